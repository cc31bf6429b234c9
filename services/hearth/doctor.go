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
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/hearth/ops"
)

// errIll is what the doctor fails with once its findings are told.
var errIll = errors.New("something is wrong")

// doctorCommand examines a deployment: each service by its own configuration file,
// from where the doctor runs.
func doctorCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	fs := flag.NewFlagSet("hearth doctor", flag.ContinueOnError)
	fs.SetOutput(errs)
	var (
		token   = fs.String("token", os.Getenv("HEARTH_TOKEN"), "a bearer token to hold against the issuers; better said by HEARTH_TOKEN")
		asJSON  = fs.Bool("json", false, "print the findings as JSON")
		quiet   = fs.Bool("quiet", false, "leave out what is well")
		strict  = fs.Bool("strict", false, "let warnings fail too")
		timeout = fs.Duration("timeout", 15*time.Second, "give each examination up after this long")
	)
	patients := &patientFlags{}
	patients.register(fs)
	if err := parse(fs, args); err != nil {
		return err
	}
	all, err := patients.read()
	if err != nil {
		return err
	}
	doctor := ops.Doctor{
		HTTP: &http.Client{Timeout: 10 * time.Second}, Token: *token, Topics: Topics(), Within: *timeout, Stuck: 3 * time.Second, Now: time.Now,
	}
	findings := doctor.Examine(ctx, all)
	worst := ops.Worst(findings)
	if *quiet {
		findings = slices.DeleteFunc(findings, func(f ops.Finding) bool { return f.State == ops.Good })
	}
	if err := printFindings(out, findings, *asJSON); err != nil {
		return err
	}
	if worst == ops.Fault || worst == ops.Warning && *strict {
		return errIll
	}
	return nil
}

func printFindings(out io.Writer, findings []ops.Finding, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(findings)
	}
	service := ""
	count := map[ops.State]int{}
	for _, f := range findings {
		if f.Service != service {
			service = f.Service
			fmt.Fprintln(out, service)
		}
		count[f.State]++
		fmt.Fprintf(out, "  %-8s %s: %s\n", f.State, f.Check, f.Says)
		if f.Do != "" {
			fmt.Fprintf(out, "           → %s\n", f.Do)
		}
	}
	_, err := fmt.Fprintf(out, "%d faults, %d warnings, %d well\n", count[ops.Fault], count[ops.Warning], count[ops.Good])
	return err
}

// patientFlags say which services are meant, and where their configuration is.
type patientFlags struct {
	data           string
	configs, admin map[string]string
}

func (p *patientFlags) register(fs *flag.FlagSet) {
	p.configs, p.admin = map[string]string{}, map[string]string{}
	pair := func(into map[string]string) func(string) error {
		return func(v string) error {
			name, value, ok := strings.Cut(v, "=")
			if !ok {
				return errors.New("want SERVICE=…")
			}
			into[name] = value
			return nil
		}
	}
	fs.StringVar(&p.data, "data", "", "the data folder of a running `hearth serve`: its services' configurations are there")
	fs.Func("config", "a service's configuration file, SERVICE=FILE; may be given several times", pair(p.configs))
	fs.Func("admin", "a service's admin port, SERVICE=http://host:port; may be given several times", pair(p.admin))
}

// read reads the configurations of the services that are meant.
func (p *patientFlags) read() ([]ops.Patient, error) {
	if p.data != "" {
		for _, s := range Services() {
			if p.configs[s.Name] == "" {
				p.configs[s.Name] = configFile(p.data, s.Name)
			}
		}
	}
	if len(p.configs) == 0 {
		return nil, &usageError{errors.New("name a service's configuration, --config SERVICE=FILE, or a suite's --data DIR")}
	}
	known := map[string]app.Service{}
	for _, s := range Services() {
		known[s.Name] = s
	}
	var all []ops.Patient
	for _, named := range []map[string]string{p.configs, p.admin} {
		for name := range named {
			if _, ok := known[name]; !ok {
				return nil, &usageError{fmt.Errorf("there is no service %q", name)}
			}
		}
	}
	for _, s := range Services() {
		file := p.configs[s.Name]
		if file == "" {
			continue
		}
		c, err := app.ReadConfig(file)
		if err != nil {
			return nil, err
		}
		all = append(all, ops.Patient{Service: s, Config: c, Admin: p.admin[s.Name]})
	}
	return all, nil
}

// configFile is where a suite writes what it told a service.
func configFile(data, service string) string {
	return filepath.Join(data, "services", service+".yaml")
}
