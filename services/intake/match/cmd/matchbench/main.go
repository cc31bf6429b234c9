// Command matchbench measures the person matching engine on a file: it learns
// without the truth, deduplicates one file or links two, and reports against
// the truth.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/hearthfps/hearth/services/intake/match"
	"github.com/hearthfps/hearth/services/intake/match/population"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "matchbench:", err)
		os.Exit(1)
	}
}

func run(args []string, out, errs io.Writer) error {
	fs := flag.NewFlagSet("matchbench", flag.ContinueOnError)
	fs.SetOutput(errs)
	var (
		file   = fs.String("csv", "", "file to deduplicate")
		second = fs.String("csv2", "", "second file: link the two instead")
		mapped = fs.String("map", "", "role=column,…; roles: given family name birth_date sex place postcode street phone email identifier other household")
		truth  = fs.String("truth", "", "column:NAME or regex:COLUMN:PATTERN")
		asJSON = fs.Bool("json", false, "report as JSON")
		number = fs.Int("generate", 0, "deduplicate this many generated records instead of a file")
		tables = fs.String("tables", "", "with --generate: folder of frequency tables; default built-in ones")
		seed   = fs.Uint64("seed", 1, "with --generate: seed of the population")
		name   = fs.String("model-name", "unnamed", "with --save-model: its name")
		save   = fs.String("save-model", "", "learn a model for an index from the input, write it to this file and stop")
		index  = fs.Int("index-records", 0, "with --generate and --save-model: choose the index's rules by so many generated records")
		prof   = fs.String("cpuprofile", "", "write a CPU profile to this file")
		debug  = fs.Bool("v", false, "print what was learnt")
	)
	if err := fs.Parse(args); err != nil {
		return err
	}
	set := match.DefaultSettings()
	if *debug {
		set.Log = errs
	}
	begin := time.Now()
	if *prof != "" {
		fh, err := os.Create(*prof)
		if err != nil {
			return err
		}
		defer fh.Close()
		if err := pprof.StartCPUProfile(fh); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var in *input
	var err error
	switch {
	case *number > 0:
		in, err = generate(*number, *tables, *seed)
	case *file == "":
		err = errors.New("name a file with --csv, or a number of records with --generate")
	default:
		var m columnMap
		if m, err = parseMap(*mapped); err == nil {
			in, err = load([]string{*file, *second}, m, *truth)
		}
	}
	if err != nil {
		return err
	}
	loaded := time.Since(begin).Seconds()
	if *save != "" {
		larger := in
		if *index > 0 {
			if larger, err = generate(*index, *tables, *seed); err != nil {
				return err
			}
		}
		return saveModel(*save, in, larger, set, match.Made{Name: *name, From: origin(*number, *seed, *tables, *file)})
	}
	res, err := match.Dedupe(in.data, set)
	if err != nil {
		return err
	}
	rep := measure(in, res)
	rep.Phases = append([]match.Phase{{Name: "load", Seconds: loaded}}, res.Phases...)
	rep.Seconds = time.Since(begin).Seconds()
	rep.CPUSeconds = cpuTime()
	rep.PeakMB = peakMemory()
	if *asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(rep)
	}
	rep.print(out)
	if *debug {
		for _, y := range res.Rules {
			fmt.Fprintf(errs, "%-28s pairs %10.0f share %.3f kin %.3f matches %9.0f new %8.0f %v\n", y.Rule, y.Pairs, y.Share, y.Kin, y.Matches, y.New, y.Chosen)
		}
	}
	return nil
}

// input is what is to be resolved, and the truth where there is one.
type input struct {
	data     *match.Dataset
	truth    []int32 // nil without
	sources  []int8
	badDates int
}

func load(files []string, m columnMap, truth string) (*input, error) {
	cols := match.Columns{Identifiers: m["identifier"], Attributes: m["other"]}
	if len(m["place"]) > 1 {
		cols.Attributes = append(append([]string{}, cols.Attributes...), m["place"][1:]...)
	}
	data, err := match.NewDataset(cols)
	if err != nil {
		return nil, err
	}
	in := &input{data: data}
	seen := map[string]int32{}
	for source, name := range files {
		if name == "" {
			continue
		}
		fh, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		t, err := readTable(fh)
		if cerr := fh.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		people, bad, err := t.persons(m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		in.badDates += bad
		for i := range people {
			data.Add(&people[i], int8(source))
			in.sources = append(in.sources, int8(source))
		}
		if truth != "" {
			of, err := truthOf(t, truth)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			in.truth = append(in.truth, clusters(t.rows, of, seen)...)
		}
	}
	return in, nil
}

// generate fills the input from an invented population.
func generate(records int, folder string, seed uint64) (*input, error) {
	t := population.BuiltIn()
	if folder != "" {
		var err error
		if t, err = population.Load(folder); err != nil {
			return nil, err
		}
	}
	data, err := match.NewDataset(match.Columns{})
	if err != nil {
		return nil, err
	}
	in := &input{data: data, truth: make([]int32, 0, records), sources: make([]int8, records)}
	population.Generate(t, population.Default(records, seed), func(p *match.Person, person int) {
		data.Add(p, 0)
		in.truth = append(in.truth, int32(person))
	})
	return in, nil
}

// origin says what a model was learnt from, without naming a person's folders.
func origin(generated int, seed uint64, tables, file string) string {
	switch {
	case generated > 0 && tables != "":
		return fmt.Sprintf("%d generated records, seed %d, names of %s", generated, seed, filepath.Base(tables))
	case generated > 0:
		return fmt.Sprintf("%d generated records, seed %d", generated, seed)
	}
	return filepath.Base(file)
}

// saveModel learns a model for an index and writes it. The index's rules are chosen by
// the records of larger where it is another input than the one learnt from.
func saveModel(path string, in, larger *input, set match.Settings, made match.Made) error {
	m, err := match.Learn(in.data, set, made)
	if err != nil {
		return err
	}
	if larger != in {
		if m, err = m.IndexedBy(larger.data, larger.truth, made.Population); err != nil {
			return err
		}
	}
	fh, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = m.WriteTo(fh)
	if cerr := fh.Close(); err == nil {
		err = cerr
	}
	return err
}
