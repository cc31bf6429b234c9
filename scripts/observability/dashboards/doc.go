// Package dashboards is Hearth's Grafana dashboards as data: the suite at a
// glance, one service, the event backbone, and the agencies' work.
package dashboards
