// Command generate writes what deploy/observability holds in generated form: the
// Prometheus rule files and the Grafana dashboards.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hearthfps/hearth/scripts/observability/dashboards"
	"github.com/hearthfps/hearth/scripts/observability/rules"
)

func main() {
	if err := run(filepath.Join("..", "..", "deploy", "observability")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string) error {
	for name, text := range rules.Files() {
		if err := os.WriteFile(filepath.Join(dir, "rules", name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	for name, d := range dashboards.All() {
		text, err := d.JSON()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "dashboards", name), text, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
