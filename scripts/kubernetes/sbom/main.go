// Command sbom writes the bill of materials of a Go program as CycloneDX 1.6 JSON:
// the modules the linker noted in it, with their versions and checksums.
//
//	sbom [-version VERSION] PROGRAM > PROGRAM.cdx.json
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("sbom", flag.ContinueOnError)
	version := fs.String("version", "", "the program's version, where the linker noted none")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return errors.New("name one program")
	}
	info, err := buildinfo.ReadFile(fs.Arg(0))
	if err != nil {
		return fmt.Errorf("read what the linker noted: %w", err)
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(bill(info, filepath.Base(info.Path), *version))
}

// document is the part of CycloneDX 1.6 that is used (ECMA-424).
type document struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version,omitempty"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

// bill lists the program and its modules. The linker does not note which module
// needs which, so all are the program's.
func bill(info *debug.BuildInfo, name, version string) document {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		version = v
	}
	program := component{
		Type: "application", Ref: "program:" + name, Name: name, Version: version,
		Properties: []property{{"golang:version", info.GoVersion}},
	}
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "vcs.") || s.Key == "CGO_ENABLED" || s.Key == "GOARCH" || s.Key == "GOOS" {
			program.Properties = append(program.Properties, property{"golang:build:" + s.Key, s.Value})
		}
	}
	d := document{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: metadata{program}, Components: []component{}}
	all := dependency{Ref: program.Ref}
	add := func(c component) {
		d.Components = append(d.Components, c)
		all.DependsOn = append(all.DependsOn, c.Ref)
	}
	add(module("pkg:golang/std@"+strings.TrimPrefix(info.GoVersion, "go"), "std", strings.TrimPrefix(info.GoVersion, "go"), ""))
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = &debug.Module{Path: m.Path, Version: m.Version, Sum: m.Replace.Sum}
		}
		add(module("pkg:golang/"+m.Path+"@"+m.Version, m.Path, m.Version, m.Sum))
	}
	slices.SortFunc(d.Components, func(a, b component) int { return strings.Compare(a.Ref, b.Ref) })
	slices.Sort(all.DependsOn)
	d.Dependencies = []dependency{all}
	return d
}

// module is one module. Go's own checksum (h1:) is of a list of hashes, which
// CycloneDX has no name for, so that it is a property.
func module(purl, name, version, sum string) component {
	c := component{Type: "library", Ref: purl, Name: name, Version: version, PURL: purl}
	if sum != "" {
		c.Properties = []property{{"golang:module:sum", sum}}
	}
	return c
}
