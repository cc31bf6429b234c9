// Command backup takes a backup of a whole suite as of one moment, while it runs,
// and restores it into an empty one. Package archive says what the moment is.
//
//	backup take    --dir DIR --kafka HOST:PORT --database SERVICE=URL... [--point NAME [--point-only]]
//	backup restore --dir DIR --kafka HOST:PORT --database SERVICE=URL...
//
// Kafka that wants a login is told --kafka-tls, --kafka-ca, --kafka-user and --kafka-password-file.
// It needs pg_dump and pg_restore of the server's version or later in PATH.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/hearthfps/hearth/scripts/backup/archive"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "backup:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] != "take" && args[0] != "restore" {
		return errors.New("say what to do: take or restore; -h explains the options")
	}
	s := archive.Suite{Databases: map[string]string{}}
	var o archive.Options
	fs := flag.NewFlagSet("backup "+args[0], flag.ContinueOnError)
	fs.StringVar(&o.Dir, "dir", "", "the folder of the backup: made by take, read by restore")
	fs.StringVar(&s.Kafka, "kafka", "", "a broker, host:port")
	var login login
	fs.BoolVar(&login.tls, "kafka-tls", false, "encrypt the connections to Kafka")
	fs.StringVar(&login.ca, "kafka-ca", "", "a PEM file of the authorities to trust, in place of the system's")
	fs.StringVar(&login.user, "kafka-user", "", "who logs in to Kafka, with SCRAM-SHA-512")
	fs.StringVar(&login.password, "kafka-password-file", "", "the file with the password")
	fs.Func("database", "SERVICE=URL of each database, as a role that sees every row; URL may be file:PATH", func(v string) error {
		name, url, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("want SERVICE=URL")
		}
		if path, is := strings.CutPrefix(url, "file:"); is {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			url = strings.TrimSpace(string(data))
		}
		s.Databases[name] = url
		return nil
	})
	if args[0] == "take" {
		fs.StringVar(&o.Point, "point", "", "also make a restore point of this name in the WAL (as a superuser)")
		fs.BoolVar(&o.PointOnly, "point-only", false, "no dumps: restore the databases from a base backup to the point")
		fs.DurationVar(&o.Within, "within", 5*time.Second, "how long services that publish may be held up")
	}
	if err := fs.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%q is one word too many", fs.Arg(0))
	}
	if o.Dir == "" || s.Kafka == "" || len(s.Databases) == 0 {
		return errors.New("--dir, --kafka and at least one --database are needed")
	}
	if o.PointOnly && o.Point == "" {
		return errors.New("--point-only needs --point")
	}
	if err := login.open(&s); err != nil {
		return err
	}
	// A group has the name of its service, and so has its topic.
	s.Groups = slices.Sorted(maps.Keys(s.Databases))
	s.Topics = []string{"referrals.inbound.v1"}
	for _, name := range s.Groups {
		s.Topics = append(s.Topics, name+".events.v1")
	}
	began := time.Now()
	if args[0] == "take" {
		m, err := archive.Take(ctx, s, o)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "the moment: %s, it held services up for %d ms\n%d databases, %d topics with %d records, in %s\n",
			m.Ended.UTC().Format(time.RFC3339Nano), m.Ended.Sub(m.Began).Milliseconds(), len(m.Databases), len(m.Topics), m.Records(), time.Since(began).Round(time.Millisecond))
		return err
	}
	m, err := archive.Restore(ctx, o.Dir, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "restored to %s: %d databases, %d topics with %d records, in %s\n",
		m.Ended.UTC().Format(time.RFC3339Nano), len(m.Databases), len(m.Topics), m.Records(), time.Since(began).Round(time.Millisecond))
	return err
}

// login is how Kafka is reached.
type login struct {
	tls                bool
	ca, user, password string
}

func (l login) open(s *archive.Suite) error {
	if l.tls || l.ca != "" {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if l.ca != "" {
		pem, err := os.ReadFile(l.ca)
		if err != nil {
			return fmt.Errorf("--kafka-ca: %w", err)
		}
		s.TLS.RootCAs = x509.NewCertPool()
		if !s.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return errors.New("--kafka-ca: it holds no certificate")
		}
	}
	if l.user == "" {
		return nil
	}
	password, err := os.ReadFile(l.password)
	if err != nil {
		return fmt.Errorf("--kafka-password-file: %w", err)
	}
	s.SASL, err = scram.Mechanism(scram.SHA512, l.user, strings.TrimSpace(string(password)))
	return err
}
