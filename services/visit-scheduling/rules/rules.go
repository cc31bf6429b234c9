// Package rules reads the rule files of visit scheduling: what a planner may
// publish without a person, what visits are measured by, and what an agency weighs
// against what.
package rules

import (
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

//go:embed *.yaml visits/*.yaml
var embedded embed.FS

// Files are the rule files that ship with the service.
func Files() fs.FS { return embedded }

// Book is every rule file, read.
type Book struct {
	// Automatic is what a planning job may publish by itself, by PublishingRule.
	Automatic      schedule.AutomaticLimits
	PublishingRule rules.Ref
	coverage       *rules.Library[visitsFile]
	// WeightsRule is the file of Weighing.
	WeightsRule rules.Ref
	weighing    map[string]schedule.Weighing // by agency; "" is the default
}

type publishingFile struct {
	rules.Header `yaml:",inline"`
	Automatic    struct {
		Allowed   bool   `yaml:"allowed"`
		MostMoved int    `yaml:"most_moved"`
		Frozen    string `yaml:"frozen"`
	} `yaml:"automatic"`
}

// Load reads the book. It fails with the file, and what to mend.
func Load(files fs.FS) (*Book, error) {
	b := &Book{}
	const name = "publishing.yaml"
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read publishing rules: %w", err)
	}
	f, ref, err := rules.Parse[publishingFile](name, data)
	if err != nil {
		return nil, err
	}
	frozen, err := time.ParseDuration(f.Automatic.Frozen)
	if err != nil || frozen < 0 {
		return nil, fmt.Errorf("%s: automatic: frozen: %q is not a duration such as 48h", name, f.Automatic.Frozen)
	}
	if f.Automatic.MostMoved < 0 {
		return nil, fmt.Errorf("%s: automatic: most_moved: 0 or more", name)
	}
	b.PublishingRule = ref
	b.Automatic = schedule.AutomaticLimits{Allowed: f.Automatic.Allowed, MostMoved: f.Automatic.MostMoved, Frozen: frozen}
	if err := b.loadCoverage(files); err != nil {
		return nil, err
	}
	return b, b.loadWeights(files)
}
