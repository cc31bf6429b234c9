package api

import (
	"context"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// GetTeamGantt answers a team's day as a picture.
func (s Server) GetTeamGantt(ctx context.Context, r GetTeamGanttRequestObject) (GetTeamGanttResponseObject, error) {
	g := gantt{team: r.Team, day: dateOf(r.Date)}
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if _, err := s.Access.readWorker(ctx, tx, ""); err != nil {
			return err
		}
		if g.cal, err = s.Desk.Calendar(tx.Agency()); err != nil {
			return err
		}
		span := schedule.Span{From: g.day.Start(g.cal.Zone()), To: g.day.AddDays(1).Start(g.cal.Zone())}
		if g.workers, err = s.Desk.Store.TeamOf(ctx, tx, r.Team, span.From); err != nil {
			return err
		}
		seen, args, err := s.Access.listVisits(ctx, tx)
		if err != nil {
			return err
		}
		g.visits, err = s.Desk.Store.VisitList(ctx, tx, postgres.VisitPage{Team: r.Team, Day: span, Limit: teamMost, Seen: seen, Args: args})
		return err
	})
	if err != nil {
		return nil, err
	}
	text := g.draw()
	return GetTeamGantt200ImagesvgXmlResponse{Body: strings.NewReader(text), ContentLength: int64(len(text))}, nil
}

// gantt is a day of a team as far as somebody may know of it.
type gantt struct {
	team    string
	day     clock.Date
	cal     *clock.Calendar
	workers []schedule.Worker
	visits  []schedule.Visit
}

// Sizes of the picture, in pixels.
const (
	ganttLeft   = 140 // for the workers' ids
	ganttTop    = 60
	ganttRow    = 28
	ganttMinute = 1 // wide
)

// draw writes the day as SVG. Colours differ in lightness too, and no meaning is in
// a colour alone: every bar has its words.
func (g gantt) draw() string {
	from, to := g.hours()
	zone := g.cal.Zone()
	start := g.day.At(from, 0, zone)
	x := func(t time.Time) int {
		minutes := int(t.Sub(start) / time.Minute)
		return ganttLeft + ganttMinute*min(max(minutes, 0), (to-from)*60)
	}
	width, height := ganttLeft+(to-from)*60*ganttMinute+20, ganttTop+ganttRow*len(g.workers)+20
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<title id="title">Team %s on %s</title>`+"\n", html.EscapeString(g.team), g.day)
	fmt.Fprintf(&b, `<desc id="desc">%s</desc>`+"\n", html.EscapeString(g.words()))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="10" y="24" font-size="16" fill="#111">Team %s · %s</text>`+"\n", html.EscapeString(g.team), g.day.Start(zone).Format("Mon 2 Jan 2006"))
	for hour := from; hour <= to; hour++ {
		at := ganttLeft + (hour-from)*60*ganttMinute
		fmt.Fprintf(&b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#ccc"/><text x="%d" y="50" text-anchor="middle" fill="#333">%02d</text>`+"\n", at, ganttTop-6, at, height-20, at, hour)
	}
	for i, w := range g.workers {
		y := ganttTop + i*ganttRow
		fmt.Fprintf(&b, `<g role="listitem" aria-label="%s"><text x="10" y="%d" fill="#111">%s</text>`+"\n", html.EscapeString(string(w.ID)), y+18, html.EscapeString(string(w.ID)))
		bar := func(s schedule.Span, inset int, fill, stroke, words string) {
			left, right := x(s.From), x(s.To)
			if right > left {
				fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" rx="3" fill="%s" stroke="%s"><title>%s</title></rect>`+"\n",
					left, y+inset, right-left, ganttRow-2*inset, fill, stroke, html.EscapeString(words))
			}
		}
		for _, s := range g.shifts(w) {
			bar(s, 2, "#eef4ee", "none", "at work "+g.times(s))
		}
		for _, a := range w.Absences {
			bar(a.Span, 2, "#ddd", "#999", "away "+g.times(a.Span))
		}
		for _, v := range g.visits {
			if slices.Contains(v.Slot.Workers, w.ID) {
				bar(v.Slot.Span(), 5, ganttFill(v), "#123", g.visitWords(v))
				fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="10" fill="#fff" aria-hidden="true">%s</text>`+"\n", x(v.Slot.StartsAt)+3, y+18, html.EscapeString(shortID(v)))
			}
		}
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func ganttFill(v schedule.Visit) string {
	switch v.Status {
	case schedule.Completed:
		return "#1b5e20"
	case schedule.Attempted:
		return "#8a4b08"
	case schedule.InProgress:
		return "#4a148c"
	}
	return "#0d47a1"
}

// shortID names a visit without saying whose it is: the end of its id, which a
// scheduler can look for.
func shortID(v schedule.Visit) string {
	id := string(v.ID)
	return id[:min(8, len(id))]
}

// hours are the first and the last hour the picture shows: 8 to 18, or as much
// more as somebody works or is visited.
func (g gantt) hours() (from, to int) {
	from, to = 8, 18
	widen := func(s schedule.Span) {
		zone := g.cal.Zone()
		if s.From.In(zone).Day() == g.day.Day {
			from = min(from, s.From.In(zone).Hour())
		}
		if end := s.To.In(zone); end.Day() == g.day.Day {
			to = max(to, end.Hour()+1)
		}
	}
	for _, w := range g.workers {
		for _, s := range g.shifts(w) {
			widen(s)
		}
	}
	for _, v := range g.visits {
		widen(v.Slot.Span())
	}
	return from, min(to, 24)
}

func (g gantt) shifts(w schedule.Worker) []schedule.Span {
	var today []schedule.Span
	for _, s := range w.Shifts(schedule.WeekOf(g.day), g.cal) {
		if g.cal.Today(s.From) == g.day {
			today = append(today, s)
		}
	}
	return today
}

func (g gantt) times(s schedule.Span) string {
	zone := g.cal.Zone()
	return s.From.In(zone).Format("15:04") + "–" + s.To.In(zone).Format("15:04")
}

func (g gantt) visitWords(v schedule.Visit) string {
	text := fmt.Sprintf("visit %s, %s, %s", shortID(v), g.times(v.Slot.Span()), strings.ReplaceAll(string(v.Status), "_", " "))
	if len(v.Slot.Workers) > 1 {
		text += ", a pair"
	}
	return text
}

// words say the whole picture for who does not see it.
func (g gantt) words() string {
	var rows []string
	for _, w := range g.workers {
		var parts []string
		for _, v := range g.visits {
			if slices.Contains(v.Slot.Workers, w.ID) {
				parts = append(parts, g.visitWords(v))
			}
		}
		if parts == nil {
			parts = []string{"no visits"}
		}
		rows = append(rows, string(w.ID)+": "+strings.Join(parts, "; "))
	}
	return strings.Join(rows, ". ") + "."
}
