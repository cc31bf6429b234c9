// Command chaos runs the six services as processes of their own on a real
// Apache Kafka, PostgreSQL and Redis, sends referrals at a steady rate over HTTP
// and Kafka while it kills one of the nine with SIGKILL every few seconds, and
// then has an independent checker look for anything lost, doubled or out of order.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hearthfps/hearth/scripts/chaos/check"
	"github.com/hearthfps/hearth/scripts/chaos/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// settings are the run's options.
type settings struct {
	seed     uint64
	duration time.Duration
	rate     float64
	every    time.Duration
	bin      string
	dir      string
	keep     bool
}

func run(ctx context.Context, args []string) (err error) {
	var s settings
	fs := flag.NewFlagSet("chaos", flag.ContinueOnError)
	fs.Uint64Var(&s.seed, "seed", 1, "decides who is killed when, and what is sent")
	seconds := fs.Int("seconds", 180, "how long referrals flow and things are killed")
	fs.Float64Var(&s.rate, "rate", 5, "referrals a second")
	fs.DurationVar(&s.every, "every", 3*time.Second, "the mean time between two kills")
	fs.StringVar(&s.bin, "bin", "bin", "the folder with the services' programs")
	fs.StringVar(&s.dir, "dir", "", "the folder to run in; a temporary one, removed when all is well, when left out")
	if err := fs.Parse(args); err != nil {
		return err
	}
	s.duration = time.Duration(*seconds) * time.Second
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "hearth-chaos-"); err != nil {
			return err
		}
		defer func() {
			if err == nil {
				err = os.RemoveAll(s.dir)
				return
			}
			fmt.Println("what there is to look at is in", s.dir)
		}()
	}

	step("starting Kafka, PostgreSQL, Redis and six services in %s (seed %d)", s.dir, s.seed)
	w, err := newWorld(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.start(ctx); err != nil {
		return err
	}

	step("referrals flow at %g a second for %s; something is killed about every %s", s.rate, s.duration, s.every)
	journal := filepath.Join(s.dir, "sent.ndjson")
	l, err := load.Start(load.Config{
		Suite: w.suite(), Broker: w.kafka.Addr, Journal: journal, Stream: fmt.Sprintf("chaos-%d", s.seed),
		Rate: s.rate, Workers: 200,
		Longest: s.duration + 5*time.Minute, // however long everything is away
	})
	if err != nil {
		return err
	}
	kills, err := wreck(ctx, w, l, s)
	if err != nil {
		return err
	}
	sent, err := l.Finish(ctx, func(progress string) { step("  finishing: %s", progress) })
	if err != nil {
		return err
	}
	step("sent and answered: %s; killed: %s", sent, kills)

	step("waiting until everything is done, then checking")
	found, evidence, err := check.Settle(ctx, 3*time.Minute, func(ctx context.Context) (check.Evidence, error) {
		return check.Collect(ctx, w.source(journal))
	})
	if err != nil {
		return err
	}
	fmt.Printf("\nreferrals %d (HTTP and Kafka), cases %d, events on topics %d, kills %d\n",
		len(evidence.Sent), len(evidence.CaseFiles), len(evidence.Topics), kills.total())
	fmt.Println("findings:", check.Summary(found))
	for i, f := range found {
		if i == 20 {
			fmt.Printf("  and %d more\n", len(found)-i)
			break
		}
		fmt.Println("  " + f.String())
	}
	if len(found) > 0 {
		return fmt.Errorf("%d findings", len(found))
	}
	fmt.Println("0 lost, 0 doubled, every case's events in order in every consumer")
	return nil
}

func step(format string, args ...any) {
	fmt.Printf("%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
