package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kubernetes:", err)
		os.Exit(1)
	}
}

// settings are the run's options, the same for both halves.
type settings struct {
	k8s    string   // the folder of the cluster's scripts
	root   string   // the folder of the project
	dir    string   // where the run keeps what it makes
	only   []string // parts of the proof; empty is all
	keep   bool     // leave the suite and the cluster as they are
	rate   float64  // referrals a second under load
	calm   time.Duration
	old    string // an older commit, which is installed first and rolled back to; "" is this one
	inside bool
	going  bool // the cluster is taken down at the end, and all that is in it
}

// parts of the proof, in their order.
var parts = []string{"install", "trouble", "scale", "drill"}

func (s *settings) flags(fs *flag.FlagSet) {
	fs.StringVar(&s.k8s, "k8s", "../shared/k8s", "the folder with the cluster's scripts")
	fs.StringVar(&s.root, "root", ".", "the folder of the project")
	fs.StringVar(&s.dir, "dir", ".cache/kubernetes", "the folder for programs, journals and reports")
	fs.Func("only", "parts of the proof, with commas: "+strings.Join(parts, ", "), func(v string) error {
		s.only = strings.Split(v, ",")
		for _, name := range s.only {
			if !slices.Contains(parts, name) {
				return fmt.Errorf("there is no part %q: %s", name, strings.Join(parts, ", "))
			}
		}
		return nil
	})
	fs.BoolVar(&s.keep, "keep", false, "leave the suite installed and the cluster up")
	fs.Float64Var(&s.rate, "rate", 4, "referrals a second while there is trouble")
	fs.DurationVar(&s.calm, "calm", 5*time.Second, "how long referrals flow between two troubles")
	fs.StringVar(&s.old, "old", "", "an older commit to install first, upgrade from and roll back to (with --only trouble: it may lack what helm test asks)")
	fs.BoolVar(&s.going, "going", false, "leave tidying to the end of the cluster")
	fs.BoolVar(&s.inside, "inside", false, "be the half that runs in the cluster's network")
}

func (s *settings) wants(part string) bool { return len(s.only) == 0 || slices.Contains(s.only, part) }

func run(ctx context.Context, args []string) error {
	var s settings
	fs := flag.NewFlagSet("kubernetes", flag.ContinueOnError)
	s.flags(fs)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%q is one word too many", fs.Arg(0))
	}
	if s.inside {
		return inside(ctx, s)
	}
	return outside(ctx, s, args)
}
