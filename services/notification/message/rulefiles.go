package message

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"time"

	"github.com/hearthfps/hearth/pkg/rules"
)

//go:embed rules/delivery.yaml templates
var ruleFiles embed.FS

// RuleFiles holds the delivery rules and message templates that ship with the
// service: rules/delivery.yaml, templates/templates.yaml and templates/<language>.yaml.
func RuleFiles() fs.FS { return ruleFiles }

// deliveryFile is rules/delivery.yaml.
type deliveryFile struct {
	rules.Header    `yaml:",inline"`
	ReminderBefore  string `yaml:"reminder_before"`
	ReminderAtLeast string `yaml:"reminder_at_least"`
	OutsideHours    struct {
		From string `yaml:"from"`
		To   string `yaml:"to"`
	} `yaml:"outside_hours"`
	RetryAfter    []string `yaml:"retry_after"`
	AskAgainAfter []string `yaml:"ask_again_after"`
	ExpiresAfter  string   `yaml:"expires_after"`
	Claim         string   `yaml:"claim"`
}

// LoadDelivery reads rules/delivery.yaml of files.
func LoadDelivery(files fs.FS) (Delivery, rules.Ref, error) {
	const name = "rules/delivery.yaml"
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return Delivery{}, rules.Ref{}, fmt.Errorf("read delivery rules: %w", err)
	}
	file, ref, err := rules.Parse[deliveryFile](name, data)
	if err != nil {
		return Delivery{}, ref, err
	}
	d, err := file.delivery()
	if err != nil {
		return Delivery{}, ref, fmt.Errorf("%s: %w", name, err)
	}
	return d, ref, nil
}

func (f deliveryFile) delivery() (d Delivery, err error) {
	durations := func(field string, texts ...string) []time.Duration {
		var out []time.Duration
		for _, text := range texts {
			v, perr := time.ParseDuration(text)
			if perr != nil && err == nil {
				err = fmt.Errorf("%s: %q is not a duration such as 24h or 30s", field, text)
			}
			out = append(out, v)
		}
		return out
	}
	d.ReminderBefore = durations("reminder_before", f.ReminderBefore)[0]
	d.ReminderAtLeast = durations("reminder_at_least", f.ReminderAtLeast)[0]
	d.RetryAfter = durations("retry_after", f.RetryAfter...)
	d.AskAgainAfter = durations("ask_again_after", f.AskAgainAfter...)
	d.ExpiresAfter = durations("expires_after", f.ExpiresAfter)[0]
	d.Claim = durations("claim", f.Claim)[0]
	if err != nil {
		return d, err
	}
	if d.From, err = ParseTimeOfDay(f.OutsideHours.From); err != nil {
		return d, fmt.Errorf("outside_hours: from: %w", err)
	}
	if d.To, err = ParseTimeOfDay(f.OutsideHours.To); err != nil {
		return d, fmt.Errorf("outside_hours: to: %w", err)
	}
	return d, d.Check()
}

// templateRules is templates/templates.yaml.
type templateRules struct {
	rules.Header `yaml:",inline"`
	TemplateFile `yaml:",inline"`
}

// LoadTemplates reads templates/ of files. The hash of the templates is that of
// all their files, so that a changed word in any language changes it.
func LoadTemplates(files fs.FS) (*Templates, error) {
	const name = "templates/templates.yaml"
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read message templates: %w", err)
	}
	file, ref, err := rules.Parse[templateRules](name, data)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	sum.Write(data)
	var languages []LanguageFile
	for _, lang := range Languages {
		name := "templates/" + lang + ".yaml"
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read message templates: %w", err)
		}
		var l LanguageFile
		if err := rules.Decode(name, data, &l); err != nil {
			return nil, err
		}
		if l.Language != lang {
			return nil, fmt.Errorf("%s: language: is %q, which is not what the file is named after", name, l.Language)
		}
		languages = append(languages, l)
		sum.Write(data)
	}
	t, err := NewTemplates(file.TemplateFile, languages)
	if err != nil {
		return nil, err
	}
	t.Name, t.Version, t.Hash = ref.Name, ref.Version, hex.EncodeToString(sum.Sum(nil))
	return t, nil
}
