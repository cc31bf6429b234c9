package dashboards

import (
	"encoding/json"
	"fmt"
)

// Panel is one picture of a dashboard.
type Panel struct {
	Title, Says string
	// Unit is Grafana's: short, s, reqps, percentunit, bytes, dateTimeFromNow.
	Unit string
	// Stat shows the last value as a number, and not the way it came.
	Stat    bool
	Queries []Query
	// Wide panels take the whole row; the others a third of it.
	Wide bool
}

// Query is an expression and how its series are named: Grafana's {{label}}.
type Query struct{ Expr, Legend string }

// Dashboard is a page of panels. Variables are labels one can choose values of.
type Dashboard struct {
	UID, Title string
	Variables  []Variable
	Panels     []Panel
}

// Variable is a label, with a metric whose values of it are offered.
type Variable struct{ Label, Of string }

type object = map[string]any

// source is the Prometheus chosen above the dashboard.
var source = object{"type": "prometheus", "uid": "${datasource}"}

const (
	width  = 24
	height = 8
)

// JSON is the dashboard as Grafana reads it.
func (d Dashboard) JSON() ([]byte, error) {
	templates := []object{{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}}
	for _, v := range d.Variables {
		templates = append(templates, object{
			"name": v.Label, "type": "query", "datasource": source, "refresh": 2, "multi": true, "includeAll": true, "allValue": ".*",
			"current": object{"text": "All", "value": "$__all"}, "query": object{"query": fmt.Sprintf("label_values(%s, %s)", v.Of, v.Label), "refId": v.Label},
		})
	}
	var panels []object
	x, y := 0, 0
	for i, p := range d.Panels {
		w := width / 3
		if p.Wide {
			w = width
		}
		if x+w > width {
			x, y = 0, y+height
		}
		panels = append(panels, p.object(i+1, object{"x": x, "y": y, "w": w, "h": height}))
		x += w
	}
	text, err := json.MarshalIndent(object{
		"uid": d.UID, "title": d.Title, "tags": []string{"hearth"}, "schemaVersion": 39, "editable": false, "refresh": "30s",
		"time": object{"from": "now-6h", "to": "now"}, "templating": object{"list": templates}, "panels": panels,
		"links": []object{{"title": "Hearth", "type": "dashboards", "tags": []string{"hearth"}, "asDropdown": true}},
	}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write dashboard %s: %w", d.UID, err)
	}
	return append(text, '\n'), nil
}

func (p Panel) object(id int, at object) object {
	kind, targets := "timeseries", []object{}
	if p.Stat {
		kind = "stat"
	}
	for i, q := range p.Queries {
		targets = append(targets, object{"refId": string(rune('A' + i)), "datasource": source, "expr": q.Expr, "legendFormat": q.Legend, "instant": p.Stat, "range": !p.Stat})
	}
	return object{
		"id": id, "type": kind, "title": p.Title, "description": p.Says, "gridPos": at, "datasource": source, "targets": targets,
		"fieldConfig": object{"defaults": object{"unit": p.Unit, "min": 0}, "overrides": []object{}},
		"options":     object{"legend": object{"displayMode": "list", "placement": "bottom"}},
	}
}
