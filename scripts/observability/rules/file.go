package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rule is a recording or an alerting rule.
type Rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

// Group is a named list of rules that are evaluated in order.
type Group struct {
	Name  string
	Rules []Rule
}

// Cause is an alert on a part that does not work.
type Cause struct {
	Alert, Severity, Expr, For, Summary, Description string
}

func (c Cause) rule() Rule {
	return Rule{
		Alert: c.Alert, Expr: c.Expr, For: c.For, Labels: map[string]string{"severity": c.Severity},
		Annotations: map[string]string{"summary": c.Summary, "description": c.Description, "runbook_url": runbook(c.Alert)},
	}
}

// Runbooks is where the runbooks of this repository are read.
const Runbooks = "https://github.com/hearthfps/hearth/blob/main/deploy/observability/runbooks/"

func runbook(alert string) string { return Runbooks + alert + ".md" }

// part is what one file is made of.
type part struct {
	objectives []Objective
	causes     []Cause
}

// groups are those of one file. Records come first, so that alerts see them.
func (p part) groups(name string) []Group {
	var all []Group
	for _, o := range p.objectives {
		all = append(all, Group{"hearth-slo-" + o.Name, append(o.records(), o.alerts()...)})
	}
	if len(p.causes) > 0 {
		g := Group{Name: "hearth-" + name}
		for _, c := range p.causes {
			g.Rules = append(g.Rules, c.rule())
		}
		all = append(all, g)
	}
	return all
}

// Files are the rule files by name: suite.yaml, and one for each service.
func Files() map[string]string {
	files := map[string]string{}
	for name, p := range parts() {
		files[name+".yaml"] = render(p.groups(name))
	}
	return files
}

// render writes groups as a Prometheus rule file.
func render(groups []Group) string {
	var b strings.Builder
	b.WriteString("# Made by make generate from scripts/observability. Do not edit.\ngroups:\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "- name: %s\n  interval: %ds\n  rules:\n", g.Name, every)
		for _, r := range g.Rules {
			if r.Record != "" {
				fmt.Fprintf(&b, "  - record: %s\n", r.Record)
			} else {
				fmt.Fprintf(&b, "  - alert: %s\n", r.Alert)
			}
			b.WriteString("    expr: |-\n      " + strings.ReplaceAll(r.Expr, "\n", "\n      ") + "\n")
			if r.For != "" {
				fmt.Fprintf(&b, "    for: %s\n", r.For)
			}
			pairs(&b, "labels", r.Labels)
			pairs(&b, "annotations", r.Annotations)
		}
	}
	return b.String()
}

func pairs(b *strings.Builder, name string, of map[string]string) {
	if len(of) == 0 {
		return
	}
	fmt.Fprintf(b, "    %s:\n", name)
	for _, k := range slices.Sorted(maps.Keys(of)) {
		fmt.Fprintf(b, "      %s: %q\n", k, of[k])
	}
}
