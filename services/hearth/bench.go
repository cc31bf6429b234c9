package hearth

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/hearthfps/hearth/services/hearth/bench"
)

func benchCommand(ctx context.Context, args []string, out, errs io.Writer) (err error) {
	fs := flag.NewFlagSet("hearth bench", flag.ContinueOnError)
	fs.SetOutput(errs)
	var (
		file    = fs.String("json", "", `a file for the report as JSON, or "-" to print that instead of the table`)
		only    = fs.String("only", "", "measure only these, with commas: "+strings.Join(bench.Names(), ", "))
		seconds = fs.Float64("seconds", 5, "how long each side of a ratio is measured")
		profile = fs.String("cpuprofile", "", "a file for a CPU profile of this process")
	)
	if err := parse(fs, args); err != nil {
		return err
	}
	if *seconds <= 0 || *seconds > 600 {
		return &usageError{errors.New("--seconds is more than 0 and at most 600")}
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	o := bench.Options{
		Services: Services(), Inbound: InboundTopic, Agency: demoAgency, Program: program,
		Span: time.Duration(*seconds * float64(time.Second)), Progress: errs,
	}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return fmt.Errorf("make the profile: %w", err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return errors.Join(err, f.Close())
		}
		defer func() {
			pprof.StopCPUProfile()
			err = errors.Join(err, f.Close())
		}()
	}
	report, err := bench.Run(ctx, o)
	if err != nil {
		return err
	}
	if *file != "-" {
		if err := report.Print(out); err != nil {
			return err
		}
	}
	if *file == "" {
		return nil
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	if *file == "-" {
		_, err = fmt.Fprintf(out, "%s\n", text)
		return err
	}
	if err := os.WriteFile(*file, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
