package app

import (
	"fmt"

	"github.com/goccy/go-yaml"

	"github.com/hearthfps/hearth/pkg/rules"
)

// Settings reads the service's own settings into v, a pointer to a struct with
// yaml tags whose values are the defaults. Unknown settings are refused.
func (d *Deps) Settings(v any) error {
	if len(d.settings) == 0 {
		return nil
	}
	data, err := yaml.Marshal(d.settings)
	if err != nil {
		return fmt.Errorf("settings of %s: %w", d.Service, err)
	}
	if err := rules.DecodeSecret(data, v); err != nil {
		return fmt.Errorf("settings of %s: %w", d.Service, err)
	}
	return nil
}
