package archive

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

// Suite says where a suite's data is.
type Suite struct {
	// Databases are connection URLs by service, of a role that sees every row: a
	// superuser, or one with BYPASSRLS and the rights of the owner.
	Databases map[string]string
	// Kafka is a broker to bootstrap from.
	Kafka string
	// TLS and SASL secure the connections to Kafka; nil for neither.
	TLS  *tls.Config
	SASL sasl.Mechanism
	// Topics are copied; Groups have their offsets noted.
	Topics, Groups []string
}

func (s Suite) client() *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(s.Kafka), Timeout: 10 * time.Second, Transport: s.transport()}
}

func (s Suite) transport() *kafka.Transport { return &kafka.Transport{TLS: s.TLS, SASL: s.SASL} }

func (s Suite) dialer() *kafka.Dialer {
	return &kafka.Dialer{Timeout: 10 * time.Second, DualStack: true, TLS: s.TLS, SASLMechanism: s.SASL}
}

// Options say how a backup is taken.
type Options struct {
	// Dir is the folder to make; it must not be there.
	Dir string
	// Point, when it is not empty, makes a restore point of that name in the WAL.
	Point string
	// PointOnly takes no dumps: the databases are restored from a base backup and WAL.
	PointOnly bool
	// Within bounds the moment; 0 is five seconds.
	Within time.Duration
	// Tries is how often the moment is tried; 0 is ten.
	Tries int
}

// Take takes a backup.
func Take(ctx context.Context, s Suite, o Options) (m Manifest, err error) {
	if o.Within == 0 {
		o.Within = 5 * time.Second
	}
	if o.Tries == 0 {
		o.Tries = 10
	}
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		return m, fmt.Errorf("make the folder of the backup: %w", err)
	}
	var c *cut
	for try := 1; ; try++ {
		c, err = takeCut(ctx, s, o)
		if err == nil {
			break
		}
		if !busy(err) || try == o.Tries {
			return m, fmt.Errorf("find a moment for the backup, tried %d times: %w", try, err)
		}
		select {
		case <-ctx.Done():
			return m, ctx.Err()
		case <-time.After(time.Second):
		}
	}
	defer func() { err = errors.Join(err, c.close(context.WithoutCancel(ctx))) }()
	m = c.manifest
	for _, name := range slices.Sorted(maps.Keys(s.Databases)) {
		d := Database{Service: name, LSN: c.lsn[name]}
		if !o.PointOnly {
			if d.File, d.SHA256, err = dump(ctx, o.Dir, name, s.Databases[name], c.snapshot[name]); err != nil {
				return m, err
			}
		}
		m.Databases = append(m.Databases, d)
	}
	for _, name := range s.Topics {
		t, err := copyTopic(ctx, o.Dir, s, name, c.ends[name])
		if err != nil {
			return m, fmt.Errorf("copy topic %s: %w", name, err)
		}
		m.Topics = append(m.Topics, t)
	}
	return m, m.write(o.Dir)
}

// cut is the moment: what was noted of it, and the transactions that keep the
// snapshots until they are dumped.
type cut struct {
	manifest Manifest
	ends     map[string][]Partition // by topic
	snapshot map[string]string      // by service
	lsn      map[string]string
	holding  []*pgx.Conn
}

// takeCut locks every outbox, notes where everything is, and lets go.
func takeCut(ctx context.Context, s Suite, o Options) (_ *cut, err error) {
	c := &cut{ends: map[string][]Partition{}, snapshot: map[string]string{}, lsn: map[string]string{}}
	names := slices.Sorted(maps.Keys(s.Databases))
	locks, reads := map[string]*pgx.Conn{}, map[string]*pgx.Conn{}
	defer func() {
		for _, l := range locks {
			err = errors.Join(err, l.Close(context.WithoutCancel(ctx)))
		}
		if err != nil {
			err = errors.Join(err, c.close(context.WithoutCancel(ctx)))
		}
	}()
	for _, name := range names { // connecting takes time: none of it is the moment's
		if locks[name], err = pgx.Connect(ctx, s.Databases[name]); err != nil {
			return c, fmt.Errorf("reach the database of %s: %w", name, err)
		}
		if reads[name], err = pgx.Connect(ctx, s.Databases[name]); err != nil {
			return c, fmt.Errorf("reach the database of %s: %w", name, err)
		}
		c.holding = append(c.holding, reads[name])
	}
	k, err := openKafka(ctx, s)
	if err != nil {
		return c, err
	}
	moment, cancel := context.WithTimeout(ctx, o.Within)
	defer cancel()
	c.manifest = Manifest{Version: 1, Began: time.Now(), Point: o.Point}
	for _, name := range names {
		// EXCLUSIVE lets others read, and keeps them from adding and deleting until this
		// transaction ends; it waits for those that are doing so.
		_, err := locks[name].Exec(moment, `BEGIN; SET LOCAL lock_timeout = '2s'; LOCK TABLE outbox IN EXCLUSIVE MODE`)
		if err != nil {
			return c, fmt.Errorf("lock the outbox of %s: %w", name, err)
		}
	}
	// Offsets before snapshots: a group commits what it has done, so that what it has
	// committed now, its database has when the snapshot is taken.
	if c.manifest.Groups, err = k.committed(moment, s.Groups, s.Topics); err != nil {
		return c, err
	}
	if c.ends, err = k.ends(moment, s.Topics); err != nil {
		return c, err
	}
	for _, name := range names {
		if err := c.note(moment, name, reads[name]); err != nil {
			return c, fmt.Errorf("note where the database of %s is: %w", name, err)
		}
	}
	if o.Point != "" {
		// One server holds all six in a deployment; where several do, each gets the point.
		for _, name := range names {
			if _, err := locks[name].Exec(moment, `SELECT pg_create_restore_point($1)`, o.Point); err != nil {
				return c, fmt.Errorf("make a restore point: %w", err)
			}
			break
		}
	}
	for _, name := range names {
		if _, err := locks[name].Exec(moment, `ROLLBACK`); err != nil {
			return c, fmt.Errorf("let go of the outbox of %s: %w", name, err)
		}
	}
	c.manifest.Ended = time.Now()
	return c, nil
}

// note begins a transaction that sees the database as it is now, and goes on to.
func (c *cut) note(ctx context.Context, name string, db *pgx.Conn) error {
	if _, err := db.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
		return err
	}
	var snapshot, lsn string
	if err := db.QueryRow(ctx, `SELECT pg_export_snapshot(), pg_current_wal_lsn()::text`).Scan(&snapshot, &lsn); err != nil {
		return err
	}
	c.snapshot[name], c.lsn[name] = snapshot, lsn
	return nil
}

func (c *cut) close(ctx context.Context) error {
	var errs []error
	for _, db := range c.holding {
		errs = append(errs, db.Close(ctx))
	}
	c.holding = nil
	return errors.Join(errs...)
}

// busy reports whether a moment failed because others were at work.
func busy(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "40P01")
}

// dump runs pg_dump on a snapshot.
func dump(ctx context.Context, dir, name, url, snapshot string) (file, hash string, err error) {
	file = name + ".dump"
	cmd := exec.CommandContext(ctx, "pg_dump", "--format=custom", "--snapshot="+snapshot, "--file="+filepath.Join(dir, file))
	// On the command line all the machine would see the password.
	env, err := connection(url)
	if err != nil {
		return "", "", err
	}
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("pg_dump of %s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	if err := os.Chmod(filepath.Join(dir, file), 0o600); err != nil { // it holds families' records
		return "", "", err
	}
	hash, err = sum(filepath.Join(dir, file))
	return file, hash, err
}

// connection is a connection URL as libpq's variables.
func connection(url string) ([]string, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("a database URL cannot be read: want postgres://role:password@host:port/database")
	}
	env := []string{
		"PGHOST=" + c.Host, fmt.Sprintf("PGPORT=%d", c.Port), "PGUSER=" + c.User, "PGPASSWORD=" + c.Password, "PGDATABASE=" + c.Database,
	}
	if c.TLSConfig != nil && !c.TLSConfig.InsecureSkipVerify {
		env = append(env, "PGSSLMODE=verify-full")
	}
	return env, nil
}
