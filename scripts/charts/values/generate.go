package values

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Services are the charts of services, in the order of a family's way.
var services = []string{"intake", "assessment", "planning", "visit-scheduling", "resource-directory", "notification"}

// Services returns the names of the services that have a chart.
func Services() []string { return append([]string(nil), services...) }

// Of reads what the chart called name can be told. root is the project's top.
func Of(root, name string) (*Schema, error) {
	common, own := filepath.Join(root, "helm/lib/schema.yaml"), filepath.Join(root, "helm", name, "schema.yaml")
	if name == "hearth" {
		return LoadDefinitions(name, common, own)
	}
	return Load(name, common, own)
}

// Generate returns every generated file by its path below root.
func Generate(root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range append(Services(), "hearth") {
		s, err := Of(root, name)
		if err != nil {
			return nil, err
		}
		if files["helm/"+name+"/values.yaml"], err = s.YAML(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if files["helm/"+name+"/values.schema.json"], err = s.JSON(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := observability(root, name, files); err != nil {
			return nil, err
		}
	}
	return files, readme(root, files)
}

// observability takes the chart's rules and dashboards from deploy/observability.
// The umbrella's rules are suite.yaml.
func observability(root, chart string, files map[string][]byte) error {
	source := filepath.Join(root, "deploy/observability")
	rules := chart
	if chart == "hearth" {
		rules = "suite"
	}
	text, err := os.ReadFile(filepath.Join(source, "rules", rules+".yaml"))
	switch {
	case err == nil:
		files["helm/"+chart+"/files/rules.yaml"] = text
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return dashboards(source, chart, files)
}

// dashboards are all the umbrella's. A service's chart has the dashboard that shows
// any one service, under a name of its own and with that service chosen.
func dashboards(source, chart string, files map[string][]byte) error {
	names, err := filepath.Glob(filepath.Join(source, "dashboards", "*.json"))
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file := filepath.Base(name)
		if chart != "hearth" {
			if file != "hearth-service.json" {
				continue
			}
			file = "hearth-" + chart + ".json"
			if text, err = ofOneService(text, chart); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		files["helm/"+chart+"/files/dashboards/"+file] = text
	}
	return nil
}

// ofOneService chooses a service in the dashboard's variable of that name.
func ofOneService(text []byte, service string) ([]byte, error) {
	var dashboard map[string]any
	if err := json.Unmarshal(text, &dashboard); err != nil {
		return nil, err
	}
	dashboard["title"], dashboard["uid"] = "Hearth: "+service, "hearth-"+service
	templating, _ := dashboard["templating"].(map[string]any)
	variables, _ := templating["list"].([]any)
	for _, v := range variables {
		if variable, ok := v.(map[string]any); ok && variable["name"] == "service" {
			variable["current"] = map[string]any{"text": service, "value": service}
			out, err := json.MarshalIndent(dashboard, "", "  ")
			return append(out, '\n'), err
		}
	}
	return nil, errors.New("the dashboard has no variable service to choose")
}

// readme fills what stands between "<!-- values of NAME -->" and "<!-- end -->".
func readme(root string, files map[string][]byte) error {
	text, err := os.ReadFile(filepath.Join(root, "helm/README.md"))
	if err != nil {
		return err
	}
	for _, name := range append(Services(), "hearth", "lib") {
		open := []byte("<!-- values of " + name + " -->\n")
		start := bytes.Index(text, open)
		if start < 0 {
			return fmt.Errorf("helm/README.md: it has no place for the values of %s: %s", name, open)
		}
		start += len(open)
		end := bytes.Index(text[start:], []byte("<!-- end -->"))
		if end < 0 {
			return fmt.Errorf("helm/README.md: the values of %s have no end", name)
		}
		table, err := table(root, name)
		if err != nil {
			return err
		}
		text = bytes.Join([][]byte{text[:start], table, text[start+end:]}, nil)
	}
	files["helm/README.md"] = text
	return nil
}

// table is a chart's table: of a service, what differs from lib's.
func table(root, name string) ([]byte, error) {
	common, err := Load("lib", filepath.Join(root, "helm/lib/schema.yaml"))
	if err != nil {
		return nil, err
	}
	shared, err := common.Rows()
	if err != nil {
		return nil, err
	}
	rows := shared
	if name != "lib" {
		s, err := Of(root, name)
		if err != nil {
			return nil, err
		}
		if rows, err = s.Rows(); err != nil {
			return nil, err
		}
		known := map[Row]bool{}
		for _, row := range shared {
			known[row] = name != "hearth"
		}
		var own []Row
		for _, row := range rows {
			if !known[row] {
				own = append(own, row)
			}
		}
		rows = own
	}
	var out bytes.Buffer
	out.WriteString("| value | default | meaning |\n|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ")
	for _, row := range rows {
		text := ""
		if row.Default != "" {
			text = "`" + cell.Replace(row.Default) + "`"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", row.Path, text, cell.Replace(row.Meaning))
	}
	return out.Bytes(), nil
}

// Write puts the files where they belong, and leaves alone those that are the same.
func Write(root string, files map[string][]byte) error {
	for name, text := range files {
		path := filepath.Join(root, name)
		if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, text) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
