// Package hearth is all six services in one process, with the parts they need
// inside or beside it, and the commands to try them: serve, demo, token, bench.
package hearth

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// command is one subcommand of hearth.
type command struct {
	name, args, what string
	run              func(ctx context.Context, args []string, out, errs io.Writer) error
}

func commands() []command {
	return []command{
		{"serve", "[--dev] [--data DIR] [--listen ADDR] [--admin ADDR]", "run the suite", serveCommand},
		{"demo", "[--url URL] [--events FILE] [--json]", "play families through a running suite and add up what came of it", demoCommand},
		{"token", "[--url URL] --agency A --role R [--worker W] [--unit U]", "print a bearer token of the development issuer", tokenCommand},
		{"doctor", "[--data DIR] [--config SERVICE=FILE]... [--admin SERVICE=URL]... [--token TOKEN] [--json]", "examine a deployment and say what is wrong with it", doctorCommand},
		{"parked", "list|show|retry|skip [--url URL] [--service NAME[=URL]]... [ID...]", "see to events that services could not handle", parkedCommand},
		{"replay", "--config SERVICE=FILE --topic TOPIC [--from TIME] [--apply]", "have a stopped service take a topic in again", replayCommand},
		{"bench", "[--json FILE] [--only NAME,...] [--seconds N]", "measure the suite beside the limits of this machine, in one run", benchCommand},
	}
}

// Main runs the subcommand that args name and returns the exit status: 0 when
// it did its work, 1 when it failed, 2 when args make no sense.
func Main(ctx context.Context, args []string, out, errs io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(errs)
		return 2
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], out, errs)
		var bad *usageError
		switch {
		case err == nil:
			return 0
		case errors.Is(err, flag.ErrHelp):
			return 2
		case errors.As(err, &bad):
			fmt.Fprintf(errs, "hearth %s: %v\nusage: hearth %s %s\n", c.name, err, c.name, c.args)
			return 2
		default:
			fmt.Fprintf(errs, "hearth %s: %v\n", c.name, err)
			return 1
		}
	}
	fmt.Fprintf(errs, "hearth: there is no command %q\n", args[0])
	usage(errs)
	return 2
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: hearth COMMAND [OPTION...]")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n           %s\n", c.name, c.args, c.what)
	}
	fmt.Fprintln(w, "hearth COMMAND -h explains the options.")
}

// usageError is a mistake in the arguments.
type usageError struct{ error }

// parse reads flags and refuses what is left over.
func parse(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &usageError{err}
	}
	if fs.NArg() > 0 {
		return &usageError{fmt.Errorf("%q is one word too many", strings.Join(fs.Args(), " "))}
	}
	return nil
}

// defaultURL is where `hearth serve` answers unless it is told otherwise.
const defaultURL = "http://127.0.0.1:8080"
