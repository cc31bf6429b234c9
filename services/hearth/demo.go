package hearth

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/services/hearth/demo"
)

func demoCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	fs := flag.NewFlagSet("hearth demo", flag.ContinueOnError)
	fs.SetOutput(errs)
	var (
		base    = fs.String("url", defaultURL, "where the suite answers; it must run with --dev")
		agency  = fs.String("agency", demoAgency, "the agency to play in")
		file    = fs.String("events", "", "a file of structured CloudEvents, one a line; left out, eighteen families made up for the demo")
		weeks   = fs.Int("weeks", 4, "how many weeks each plan runs")
		asJSON  = fs.Bool("json", false, "print the ledger and the timeline as JSON")
		timeout = fs.Duration("timeout", 30*time.Minute, "give up after this long")
	)
	if err := parse(fs, args); err != nil {
		return err
	}
	o := demo.Options{URL: *base, Token: newTokens(*base, *agency).get, Weeks: *weeks, Progress: errs}
	if *file != "" {
		events, err := os.ReadFile(*file)
		if err != nil {
			return fmt.Errorf("read the events: %w", err)
		}
		o.Events = events
	}
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	started := time.Now()
	result, err := demo.Run(ctx, o)
	if err != nil && !errors.Is(err, demo.ErrDoesNotAddUp) {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return errors.Join(err, enc.Encode(result))
	}
	result.Ledger.Print(out)
	printTimeline(out, result)
	fmt.Fprintf(out, "\nplayed in %s\n", time.Since(started).Round(100*time.Millisecond))
	return err
}

func printTimeline(w io.Writer, r demo.Result) {
	if r.CaseID == "" {
		return
	}
	fmt.Fprintf(w, "\nOne family's way (case %s)\n", r.CaseID)
	for _, e := range r.Timeline {
		what := strings.TrimSuffix(strings.TrimPrefix(e.Type, "org.hearth."+e.Service+"."), ".v1")
		fmt.Fprintf(w, "  %s  %-18s %-28s %s\n", e.At.Format("Mon 02 Jan 15:04"), e.Service, what, codes(e.Data))
	}
}

// codes are the parts of an event that a reader understands: no ids.
func codes(data map[string]any) string {
	var parts []string
	for k, v := range data {
		text, ok := v.(string)
		if !ok || strings.HasSuffix(k, "_id") || strings.HasSuffix(k, "_hash") || strings.HasPrefix(k, "about_") {
			continue
		}
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			text = at.Format("Mon 02 Jan 15:04")
		}
		parts = append(parts, strings.TrimSuffix(k, "_code")+" "+strings.ReplaceAll(text, "_", " "))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
