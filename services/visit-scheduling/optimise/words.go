package optimise

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Language turns what changed into words. Codes and figures are in Change for
// those who write another.
type Language struct {
	Visit  func(id string) string // how a visit is called; nil is its id
	Worker func(id string) string
	Clock  func(minute int) string // how a time is written; nil is day and hour
}

// Say puts a difference into sentences a scheduler reads, one a change, one a
// worker and one for the whole.
func (l Language) Say(d Difference) []string {
	if len(d.Changes) == 0 {
		return []string{"Nothing changes."}
	}
	var out []string
	count := map[Kind]int{}
	for i := range d.Changes {
		count[d.Changes[i].Kind]++
		out = append(out, l.sayChange(&d.Changes[i]))
	}
	for _, e := range d.Workers {
		out = append(out, l.sayEffect(e))
	}
	var parts []string
	for _, k := range []Kind{Added, Reassigned, Moved, Dropped, Removed} {
		if n := count[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	return append(out, "In all: "+strings.Join(parts, ", ")+"; "+sayTerms(d.Cost, "cost %+d points", "the cost stays the same")+".")
}

func (l Language) sayChange(c *Change) string {
	switch v := l.visit(c.Visit); c.Kind {
	case Added:
		return fmt.Sprintf("%s is added: %s, by %s.", v, l.clock(c.To.Starts[0]), l.workers(c.To.Workers))
	case Removed:
		return fmt.Sprintf("%s is no longer wanted: %s by %s falls away.", v, l.clock(c.From.Starts[0]), l.workers(c.From.Workers))
	case Dropped:
		s := fmt.Sprintf("%s loses its place, %s by %s.", v, l.clock(c.From.Starts[0]), l.workers(c.From.Workers))
		for _, r := range c.Reasons {
			s += " " + l.Reason(r)
		}
		return s
	case Moved:
		return fmt.Sprintf("%s moves from %s to %s, %s, still by %s.", v, l.clock(c.From.Starts[0]), l.clock(c.To.Starts[0]), l.later(c), l.workers(c.To.Workers))
	default:
		s := fmt.Sprintf("%s is now by %s", v, l.workers(c.To.Workers))
		if len(c.Gone) > 0 {
			s += " instead of " + l.workers(c.From.Workers)
		}
		if slices.Equal(c.From.Starts, c.To.Starts) {
			return s + ", still at " + l.clock(c.To.Starts[0]) + "."
		}
		return s + fmt.Sprintf(", and moves from %s to %s, %s.", l.clock(c.From.Starts[0]), l.clock(c.To.Starts[0]), l.later(c))
	}
}

func (l Language) later(c *Change) string {
	switch days := floorDiv(c.To.Starts[0], DayMinutes) - floorDiv(c.From.Starts[0], DayMinutes); {
	case days == 1:
		return "a day later"
	case days == -1:
		return "a day earlier"
	case days > 0:
		return fmt.Sprintf("%d days later", days)
	case days < 0:
		return fmt.Sprintf("%d days earlier", -days)
	case c.Minutes < 0:
		return fmt.Sprintf("%d minutes earlier", -c.Minutes)
	case c.Minutes == 0:
		return "the second worker at another time"
	}
	return fmt.Sprintf("%d minutes later", c.Minutes)
}

func (l Language) sayEffect(e Effect) string {
	var parts []string
	add := func(n int, what string) {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(e.Gained, "more")
	add(e.Lost, "fewer")
	add(e.Moved, "moved")
	s := fmt.Sprintf("%s: visits %s", l.worker(e.Worker), strings.Join(parts, ", "))
	if e.Work != 0 {
		s += fmt.Sprintf("; %+d minutes with families", e.Work)
	}
	if e.Evenings != 0 {
		s += fmt.Sprintf("; %+d in the evening", e.Evenings)
	}
	return s + "."
}

// sayTerms names the total and the terms of a cost, the largest first.
func sayTerms(o Objective, total, nothing string) string {
	type term struct {
		name   string
		points int64
	}
	terms := []term{
		{"travel", o.Travel},
		{"workers not preferred", o.Preference},
		{"wishes", o.Wishes},
		{"new faces", o.Continuity},
		{"changes against the published", o.Stability},
		{"spacing", o.Spacing},
		{"weekdays", o.Weekday},
		{"overtime", o.Overtime},
		{"uneven load", o.FairLoad},
		{"uneven travel", o.FairTravel},
		{"uneven evenings", o.FairEvening},
		{"visits left out", o.Unplaced},
	}
	terms = slices.DeleteFunc(terms, func(t term) bool { return t.points == 0 })
	if len(terms) == 0 {
		return nothing
	}
	slices.SortStableFunc(terms, func(a, b term) int { return cmp.Compare(max(b.points, -b.points), max(a.points, -a.points)) })
	var parts []string
	for _, t := range terms {
		parts = append(parts, fmt.Sprintf("%s %+d", t.name, t.points))
	}
	return fmt.Sprintf(total+" (%s)", o.Total(), strings.Join(parts, ", "))
}

// Account says what a visit costs and why it stands where it does.
func (l Language) Account(a Account) string {
	s := fmt.Sprintf("%s is on %s by %s: %s.", l.visit(a.Visit), l.clock(a.At.Starts[0]), l.workers(a.At.Workers), sayTerms(a.Cost, "it costs %d points", "it costs nothing"))
	switch {
	case a.Locked:
		return s + " It is locked there."
	case a.Next == nil:
		return s + " No rule lets it be with others or on another day while the rest stays."
	}
	return s + fmt.Sprintf(" The next best is %s by %s: %s.", l.clock(a.Next.Starts[0]), l.workers(a.Next.Workers), sayTerms(a.NextCost, "%+d points", "it costs the same"))
}

// Offer says a place for an urgent visit, and all that it would move.
func (l Language) Offer(o Offer) string {
	s := fmt.Sprintf("%s by %s, at %d points", l.clock(o.Starts[0]), l.workers(o.Workers), o.Points)
	if len(o.Moves) == 0 {
		return s + "; nothing moves."
	}
	s += "."
	for _, m := range o.Moves {
		if c, differs := change(m.Visit, &m.From, &m.To, true); differs {
			s += " " + l.sayChange(&c)
		}
	}
	return s
}

// Reason says what keeps a visit out, and what would let it in.
func (l Language) Reason(r Reason) string {
	var parts []string
	for _, x := range r.Rules {
		parts = append(parts, said(x))
	}
	need := strings.Join(parts, " and ")
	if r.Proof == nil {
		return strings.ToUpper(need[:1]) + need[1:] + "."
	}
	return fmt.Sprintf("With %s it could be on %s by %s.", need, l.clock(r.Proof.Starts[0]), l.workers(r.Proof.Workers))
}

// said is what relaxing a rule means to a scheduler.
func said(r Rule) string {
	switch r {
	case RuleSkill:
		return "somebody without the skill"
	case RuleLanguage:
		return "somebody who does not speak the language"
	case RuleAttribute:
		return "somebody other than the family asked for"
	case RuleTeam:
		return "a team that lacks a skill or language between them"
	case RuleExclusion:
		return "a worker who is excluded"
	case RuleWindow:
		return "times an hour wider"
	case RuleDark:
		return "a visit in the dark"
	case RulePerDay:
		return "one more visit of the family that day"
	case RulePattern:
		return "one more visit that week, or on two days running"
	case RuleWorkers:
		return "one more worker in the family"
	case RuleKnown:
		return "somebody new without anyone the family knows"
	case RuleSubstitute:
		return "a substitute once more"
	case RuleCaseload:
		return "one more family for a worker"
	case RuleLast:
		return "the visit as the last of the worker's day"
	case RuleLimit:
		return "more minutes or visits than the worker's limit"
	case RuleShift:
		return "a shift an hour longer at each end"
	case RuleAbsence:
		return "a worker who is away"
	case RuleBreak:
		return "a worker's break given up"
	case RuleBooked:
		return "the time of other visits"
	case RuleTogether:
		return "workers who do not begin when the visit says"
	case RuleLocked:
		return "the visit is locked where a rule forbids it"
	case RuleStopped:
		return "the time was over before more was looked into"
	case RuleNoWorkers:
		return "there are too few people even with every rule relaxed"
	}
	return string(r)
}

func (l Language) visit(id string) string {
	if l.Visit == nil {
		return "Visit " + id
	}
	return l.Visit(id)
}

func (l Language) worker(id string) string {
	if l.Worker == nil {
		return id
	}
	return l.Worker(id)
}

func (l Language) workers(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = l.worker(id)
	}
	return strings.Join(names, " and ")
}

func (l Language) clock(minute int) string {
	if l.Clock != nil {
		return l.Clock(minute)
	}
	day := floorDiv(minute, DayMinutes)
	m := minute - day*DayMinutes
	return fmt.Sprintf("day %d %02d:%02d", day, m/60, m%60)
}
