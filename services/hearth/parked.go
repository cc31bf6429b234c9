package hearth

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hearthfps/hearth/services/hearth/ops"
)

// parkedCommand sees to parked events, over the services' operator API.
func parkedCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	verbs := []string{"list", "show", "retry", "skip"}
	if len(args) == 0 || !slices.Contains(verbs, args[0]) {
		return &usageError{errors.New("say list, show, retry or skip")}
	}
	verb := args[0]
	fs := flag.NewFlagSet("hearth parked "+verb, flag.ContinueOnError)
	fs.SetOutput(errs)
	var (
		base     = fs.String("url", defaultURL, "where all services answer: the suite, or an ingress before them")
		agency   = fs.String("agency", demoAgency, "without a token: the agency to ask the development issuer for one of")
		token    = fs.String("token", os.Getenv("HEARTH_TOKEN"), "an operator's bearer token; better said by HEARTH_TOKEN")
		nobodys  = fs.Bool("unaddressed", false, "events that name no agency; for an admin of the deployment's home_agency")
		asJSON   = fs.Bool("json", false, "print JSON")
		reason   = fs.String("reason", "", "only those with this reason code")
		allFirst = fs.Bool("all-first", false, "retry: the first event of every key")
		sure     = fs.Bool("yes", false, "skip: say that it is meant. The event will have no effect, ever")
		chosen   = map[string]string{}
	)
	fs.Func("service", "only this service, NAME or NAME=URL (its own address); may be given several times", func(v string) error {
		name, own, _ := strings.Cut(v, "=")
		chosen[name] = own
		return nil
	})
	if err := fs.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &usageError{err}
	}
	ids := fs.Args()
	switch {
	case verb == "list" && len(ids) > 0:
		return &usageError{errors.New("list takes no ids")}
	case verb != "list" && len(ids) == 0 && !(verb == "retry" && *allFirst):
		return &usageError{errors.New(verb + " takes the id of an event")}
	case verb == "skip" && !*sure:
		return &usageError{errors.New("a skipped event has no effect, ever: add --yes when that is decided with the agency")}
	}
	p := ops.ParkedEvents{Token: *token, Unaddressed: *nobodys, HTTP: &http.Client{Timeout: time.Minute}}
	var err error
	if p.Paths, err = operatorPaths(*base, chosen); err != nil {
		return err
	}
	if p.Token == "" {
		role := "operator"
		if *nobodys {
			role = "operator,admin"
		}
		if p.Token, _, err = requestToken(ctx, *base, tokenRequest{agency: *agency, role: role}); err != nil {
			return fmt.Errorf("no --token was given: %w", err)
		}
	}
	list, failed := p.List(ctx)
	if *reason != "" {
		list = slices.DeleteFunc(list, func(e ops.Parked) bool { return e.ReasonCode != *reason })
	}
	if verb == "list" {
		return errors.Join(printParked(out, list, *asJSON), failed)
	}
	picked, err := pick(list, ids, verb == "retry" && *allFirst)
	if err != nil {
		return errors.Join(err, failed)
	}
	if verb == "show" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		for _, e := range picked {
			if err := enc.Encode(e); err != nil {
				return err
			}
		}
		return failed
	}
	do, done := p.Retry, "goes on"
	if verb == "skip" {
		do, done = p.Skip, "is given up"
	}
	problems := []error{failed}
	for _, e := range picked {
		if err := do(ctx, e); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", e.ID, err))
			continue
		}
		fmt.Fprintf(out, "%s of %s %s\n", e.ID, e.Service, done)
	}
	return errors.Join(problems...)
}

// operatorPaths are below which URL services answer operators: those chosen, or all.
func operatorPaths(base string, chosen map[string]string) (map[string]string, error) {
	paths := map[string]string{}
	var names []string
	for _, s := range Services() {
		names = append(names, s.Name)
		own, named := chosen[s.Name]
		if len(chosen) > 0 && !named {
			continue
		}
		if own == "" {
			own = base
		}
		paths[s.Name] = strings.TrimSuffix(own, "/") + s.OperationsPath()
	}
	for name := range chosen {
		if !slices.Contains(names, name) {
			return nil, &usageError{fmt.Errorf("there is no service %q: %s", name, strings.Join(names, ", "))}
		}
	}
	return paths, nil
}

// pick finds the events that ids name, or the first of every key.
func pick(list []ops.Parked, ids []string, first bool) ([]ops.Parked, error) {
	if first {
		return slices.DeleteFunc(slices.Clone(list), func(e ops.Parked) bool { return !e.HoldsKey }), nil
	}
	var picked []ops.Parked
	for _, id := range ids {
		i := slices.IndexFunc(list, func(e ops.Parked) bool { return e.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("no service has a parked event %s: it may have gone on", id)
		}
		picked = append(picked, list[i])
	}
	return picked, nil
}

func printParked(out io.Writer, list []ops.Parked, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSERVICE\tSTATE\tFIRST\tREASON\tTRIES\tSINCE\tTYPE\tPLACE")
	for _, e := range list {
		first := ""
		if e.HoldsKey {
			first = "first"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s/%d/%d\n", e.ID, e.Service, e.State, first, e.ReasonCode, e.Attempts,
			e.ParkedAt.UTC().Format(time.RFC3339), e.Type, e.Topic, e.Partition, e.Offset)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d parked\n", len(list))
	return err
}
