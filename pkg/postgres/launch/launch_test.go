package launch_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres/launch"
)

// The test binary plays a process that is killed while its server runs.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HEARTH_LAUNCH_AND_WAIT"); dir != "" {
		if _, err := launch.Start(context.Background(), launch.Options{Dir: dir}); err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Stdout.WriteString("ready\n")
		select {}
	}
	os.Exit(m.Run())
}

func start(t *testing.T, dir string) *launch.Server {
	t.Helper()
	server, err := launch.Start(t.Context(), launch.Options{Dir: dir})
	if errors.Is(err, launch.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func query(t *testing.T, url, sql string, args ...any) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var got string
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func closeServer(t *testing.T, s *launch.Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

const keep = "CREATE TABLE kept AS SELECT 'still here'::text AS word"

func write(t *testing.T, s *launch.Server) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.AdminURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), keep); err != nil {
		t.Fatal(err)
	}
}

func TestGuarantee1_AFolderServesAgainAfterCloseAndAfterKill(t *testing.T) {
	dir := t.TempDir()
	first := start(t, dir)
	write(t, first)
	if err := syscall.Kill(first.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	closeServer(t, first)

	second := start(t, dir)
	if got := query(t, second.AdminURL("postgres"), "SELECT word FROM kept"); got != "still here" {
		t.Errorf("after kill -9 of the server: got %q", got)
	}
	closeServer(t, second)

	third := start(t, dir)
	defer closeServer(t, third)
	if got := query(t, third.AdminURL("postgres"), "SELECT word FROM kept"); got != "still here" {
		t.Errorf("after close: got %q", got)
	}
}

func TestGuarantee6_AKilledServerServesAgainWhereItDid(t *testing.T) {
	s := start(t, t.TempDir())
	defer closeServer(t, s)
	s.Keep(slog.New(slog.DiscardHandler))
	address, first := s.AdminURL("postgres"), s.PID()
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		conn, err := pgx.Connect(t.Context(), address)
		if err == nil && s.PID() != first {
			if err := conn.Close(t.Context()); err != nil {
				t.Error(err)
			}
			return
		}
		if err == nil {
			err = errors.Join(errors.New("the first one still answers"), conn.Close(t.Context()))
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not serve again: %v", err)
		}
	}
}

func TestGuarantee1_AHalfMadeFolderAndAForeignPidAreNoHindrance(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	closeServer(t, start(t, dir))

	// A pid the kernel has given to another process since: this one.
	pidFile := filepath.Join(dir, "data", "postmaster.pid")
	text := strings.Join([]string{strconv.Itoa(os.Getpid()), filepath.Join(dir, "data"), "1", "5432", "/nowhere", "", "", "ready"}, "\n")
	if err := os.WriteFile(pidFile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	closeServer(t, start(t, dir))
}

func TestGuarantee2_OneProcessUsesAFolder(t *testing.T) {
	dir := t.TempDir()
	server := start(t, dir)
	defer closeServer(t, server)
	_, err := launch.Start(t.Context(), launch.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("got %v", err)
	}
}

func TestGuarantee2_AServerLeftBehindIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	closeServer(t, start(t, dir)) // skips when not installed

	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "HEARTH_LAUNCH_AND_WAIT="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, so not nil

	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatalf("the server went with its parent, so there is nothing to take over: %v", err)
	}
	server := start(t, dir)
	if got, want := strconv.Itoa(server.PID()), strings.TrimSpace(strings.Split(string(text), "\n")[0]); got != want {
		t.Errorf("a second server was started: process %s beside %s", got, want)
	}
	if got := query(t, server.AdminURL("postgres"), "SELECT 'up'"); got != "up" {
		t.Errorf("got %q", got)
	}
	closeServer(t, server)
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); err == nil {
		t.Error("the server still runs after Close")
	}
}

func TestGuarantee3_TheServerIsUnprivilegedAndWantsAPassword(t *testing.T) {
	dir := t.TempDir()
	server := start(t, dir)
	defer closeServer(t, server)

	info, err := os.Stat("/proc/" + strconv.Itoa(server.PID()))
	if err != nil {
		t.Skip("no /proc here")
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid == 0 {
		t.Error("the server runs as root")
	}
	for _, private := range []string{"data", "run"} {
		info, err := os.Stat(filepath.Join(dir, private))
		if errors.Is(err, os.ErrNotExist) && private == "run" {
			continue // the path is too long for a socket
		}
		if err != nil {
			t.Fatal(err)
		}
		if perm := info.Mode().Perm(); perm != 0o700 {
			t.Errorf("%s is open to others: %v", private, perm)
		}
	}

	// Over TCP: with the password, and not without.
	parsed, err := url.Parse(server.AdminURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	values := parsed.Query()
	values.Set("host", "127.0.0.1")
	parsed.RawQuery = values.Encode()
	if got := query(t, parsed.String(), "SELECT 'up'"); got != "up" {
		t.Errorf("got %q", got)
	}
	values.Set("password", "wrong")
	parsed.RawQuery = values.Encode()
	if conn, err := pgx.Connect(t.Context(), parsed.String()); err == nil {
		conn.Close(context.Background())
		t.Error("a wrong password was taken")
	}
}

func TestGuarantee3_RootsOwnFoldersWork(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has folders the server's user may not enter")
	}
	dir := filepath.Join(t.TempDir(), "private")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	closeServer(t, start(t, filepath.Join(dir, "database")))
}

func TestGuarantee7_TheLogHoldsNoRowValue(t *testing.T) {
	dir := t.TempDir()
	server := start(t, dir)
	conn, err := pgx.Connect(t.Context(), server.AdminURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE person (name text PRIMARY KEY); INSERT INTO person VALUES ('canary-name')"); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"INSERT INTO person VALUES ('canary-name')", "SELECT 'canary-name' FROM nowhere", "SELECT $1::text FROM nowhere"} {
		var args []any
		if strings.Contains(sql, "$1") {
			args = append(args, "canary-name")
		}
		if _, err := conn.Exec(t.Context(), sql, args...); err == nil {
			t.Fatal("expected an error for the log")
		}
	}
	conn.Close(context.Background())
	closeServer(t, server)
	log, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "duplicate key") {
		t.Error("the log does not show the error at all")
	}
	if strings.Contains(string(log), "canary-name") {
		t.Errorf("a row's value is in the log:\n%s", log)
	}
}

func TestDatabase_RolesAreSeparateAndMadeOnce(t *testing.T) {
	server := start(t, t.TempDir())
	defer closeServer(t, server)
	for range 2 {
		if _, err := server.Database(t.Context(), "intake"); err != nil {
			t.Fatal(err)
		}
	}
	intake, err := server.Database(t.Context(), "intake")
	if err != nil {
		t.Fatal(err)
	}
	planning, err := server.Database(t.Context(), "planning")
	if err != nil {
		t.Fatal(err)
	}
	if got := query(t, intake.RuntimeURL, "SELECT current_user || '@' || current_database()"); got != "intake@intake" {
		t.Errorf("got %s", got)
	}
	if got := query(t, intake.OwnerURL, "SELECT current_user || '@' || current_database()"); got != "intake_owner@intake" {
		t.Errorf("got %s", got)
	}
	crossed := strings.Replace(planning.RuntimeURL, "user=planning", "user=intake", 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if conn, err := pgx.Connect(ctx, crossed); err == nil {
		conn.Close(context.Background())
		t.Error("intake's role may enter planning's database")
	}
}

func TestExternal_MakesDatabaseAndRolesOnSomebodyElsesServer(t *testing.T) {
	s := start(t, t.TempDir())
	defer closeServer(t, s)
	password := filepath.Join(t.TempDir(), "password")
	for range 2 { // the second time everything is there
		e, err := launch.At(s.AdminURL("postgres"), password)
		if err != nil {
			t.Fatal(err)
		}
		d, err := e.Database(t.Context(), "garden")
		if err != nil {
			t.Fatal(err)
		}
		if got := query(t, d.RuntimeURL, "SELECT current_user::text"); got != "garden" {
			t.Errorf("the runtime URL works as %s, want garden", got)
		}
		if got := query(t, d.OwnerURL, "SELECT current_user::text"); got != "garden_owner" {
			t.Errorf("the owner URL works as %s, want garden_owner", got)
		}
	}
}

func TestAt_RefusesWhatIsNoURL(t *testing.T) {
	if _, err := launch.At("host=here", "p"); err == nil {
		t.Error("a keyword string was taken, want an error that says what a URL looks like")
	}
}

func TestGuarantee4_CommitsAreDurableUnlessEphemeral(t *testing.T) {
	const settings = "SELECT current_setting('fsync') || ' ' || current_setting('synchronous_commit') || ' ' || current_setting('full_page_writes')"
	for _, ephemeral := range []bool{false, true} {
		server, err := launch.Start(t.Context(), launch.Options{Dir: t.TempDir(), Ephemeral: ephemeral})
		if errors.Is(err, launch.ErrNotInstalled) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{false: "on on on", true: "off off off"}[ephemeral]
		if got := query(t, server.AdminURL("postgres"), settings); got != want {
			t.Errorf("ephemeral %v: got %s, want %s", ephemeral, got, want)
		}
		closeServer(t, server)
	}
}

func TestGuarantee5_CloseWaitsForTheEnd(t *testing.T) {
	server := start(t, t.TempDir())
	// An open session does not hold it up.
	conn, err := pgx.Connect(t.Context(), server.AdminURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	closeServer(t, server)
	if err := syscall.Kill(server.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the server is still there: %v", err)
	}
}

func BenchmarkStartInitialised(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		server, err := launch.Start(b.Context(), launch.Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := server.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
