package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// Remedy is what would give a visit without a place one while everything else
// stays to the minute where it is: rules relaxed no further than the place needs,
// and the place. It is proved: Standing.With(remedy) keeps every rule.
type Remedy struct {
	Steps []Step `json:"steps"`
	// Place is what the visit would get. Workers who would have to be found
	// (RuleWorkersNeeded) are not in it.
	Place Slot `json:"place"`
}

// Step is one rule relaxed. Which fields say something depends on the rule:
//
//	outside_window   Span: when the family would have to be visited
//	outside_hours    Workers, Span: when they would have to work, Minutes more than they do
//	worker_absent    Workers, Span: when they would have to be there
//	skill_missing    Skills that one of the visit's workers would have to have
//	language_missing Language that one of them would have to speak
//	worker_excluded  nothing: who is excluded is nobody's remedy
//	double_booked    Visits that would have to give way
//	day_limit        Span: the day that would hold one more visit of the family
//	workers_needed   Workers to be found: More of them with all Skills, Attributes and the Language, there in Span
//	attribute_missing Attributes, and the Workers who would have to have them
//	in_the_dark, last_of_day  Span: when the visit would be
//	break_impossible Workers who would go without their break in Span
//	worker_day_limit, worker_week_limit, caseload_limit  Workers of whom more would be asked than agreed
//	the rules of families  nothing more
type Step struct {
	Rule    Rule       `json:"rule"`
	Workers []WorkerID `json:"workers,omitempty"`
	Skills  []string   `json:"skills,omitempty"`
	// Levels are those that Skills would have to be held at, where one is asked.
	Levels     []SkillLevel `json:"levels,omitempty"`
	Attributes []string     `json:"attributes,omitempty"`
	Language   string       `json:"language,omitempty"`
	Span       *Span        `json:"span,omitempty"`
	Minutes    int          `json:"minutes,omitempty"`
	Visits     []VisitID    `json:"visits,omitempty"`
	More       int          `json:"more,omitempty"`
}

// most is how many steps a remedy has at most: what needs more helps nobody.
const mostSteps = 4

// reasonOf is the reason a relaxed rule stands for.
var reasonOf = map[Rule]Reason{
	RuleWindow: OutsideHours, RuleHours: OutsideHours, RuleAbsent: WorkersAbsent, RuleSkill: SkillMissing, RuleLanguage: LanguageMissing,
	RuleExcluded: AllExcluded, RuleDoubleBooked: FullyBooked, RuleDayLimit: DayLimit, RuleWorkersNeeded: TooFewWorkers,
	RuleAttribute: AttributeAsked, RuleDark: InTheDark, RuleLast: LastOfDay, RulePause: WorkerLimits, RuleDayWork: WorkerLimits,
	RuleWeekWork: WorkerLimits, RuleCaseload: WorkerLimits, RuleSubstitutes: FamilyRules, RuleRunning: FamilyRules, RulePeople: FamilyRules,
	RuleKnownFirst: FamilyRules,
}

// Explained is a leftover with the remedies that were found for it, the easiest
// first, and the reasons they stand for. Remedies that would set an exclusion
// aside are a reason and no remedy. With none the reasons stay as they are.
func (l Leftover) Explained(remedies []Remedy) Leftover {
	if len(remedies) == 0 {
		return l
	}
	remedies = slices.Clone(remedies)
	slices.SortStableFunc(remedies, func(a, b Remedy) int { return cmp.Compare(a.effort(), b.effort()) })
	l.Reasons, l.Remedies = nil, nil
	for _, r := range remedies {
		for _, s := range r.Steps {
			if reason := reasonOf[s.Rule]; !slices.Contains(l.Reasons, reason) {
				l.Reasons = append(l.Reasons, reason)
			}
		}
		if r.Allowed() {
			l.Remedies = append(l.Remedies, r)
		}
	}
	return l
}

// Allowed says whether somebody may go by the remedy: it sets no exclusion aside.
func (r Remedy) Allowed() bool { return !r.relaxes(RuleExcluded) }

func (r Remedy) equal(o Remedy) bool {
	return r.Place.StartsAt.Equal(o.Place.StartsAt) && r.Place.EndsAt.Equal(o.Place.EndsAt) && slices.Equal(r.Place.Workers, o.Place.Workers) &&
		slices.EqualFunc(r.Steps, o.Steps, func(a, b Step) bool {
			span := (a.Span == nil) == (b.Span == nil) && (a.Span == nil || a.Span.From.Equal(b.Span.From) && a.Span.To.Equal(b.Span.To))
			return span && a.Rule == b.Rule && a.Language == b.Language && a.Minutes == b.Minutes && a.More == b.More &&
				slices.Equal(a.Workers, b.Workers) && slices.Equal(a.Skills, b.Skills) && slices.Equal(a.Levels, b.Levels) &&
				slices.Equal(a.Attributes, b.Attributes) && slices.Equal(a.Visits, b.Visits)
		})
}

func (r Remedy) relaxes(rule Rule) bool {
	return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Rule == rule })
}

// effort orders remedies by what they ask of people, the least first.
func (r Remedy) effort() int {
	order := []Rule{
		RuleHours, RuleWindow, RuleDayLimit, RulePause, RuleDayWork, RuleWeekWork, RuleCaseload, RuleLast, RuleDark, RulePeople, RuleRunning, RuleSubstitutes,
		RuleKnownFirst, RuleDoubleBooked, RuleLanguage, RuleSkill, RuleAttribute, RuleAbsent, RuleExcluded, RuleWorkersNeeded,
	}
	sum := 0
	for _, s := range r.Steps {
		sum += 30 + slices.Index(order, s.Rule)
	}
	return sum
}

// Words say a remedy as a scheduler reads it, in the agency's zone:
//
//	with w7 working 30 minutes more, until Thu 5 Mar 16:30: Thu 5 Mar 15:00 with w7
//	with somebody who speaks fi: Thu 5 Mar 09:00 with w7
//	with one more worker who speaks fi, on Thu 5 Mar 09:00–12:00: Thu 5 Mar 09:00
func (r Remedy) Words(zone *time.Location) string {
	var steps []string
	for _, s := range r.Steps {
		steps = append(steps, s.words(zone))
	}
	place := r.Place.StartsAt.In(zone).Format(clockFace)
	if len(r.Place.Workers) > 0 {
		place = r.Place.words(zone)
	}
	return "with " + strings.Join(steps, " and ") + ": " + place
}

const clockFace = "Mon 2 Jan 15:04"

func (s Step) words(zone *time.Location) string {
	ids := make([]string, len(s.Workers))
	for i, w := range s.Workers {
		ids[i] = string(w)
	}
	who := strings.Join(ids, " and ")
	span := func() string {
		return s.Span.From.In(zone).Format(clockFace) + "–" + s.Span.To.In(zone).Format("15:04")
	}
	asked := func() string {
		var parts []string
		has := slices.DeleteFunc(slices.Clone(s.Skills), func(skill string) bool {
			return slices.ContainsFunc(s.Levels, func(l SkillLevel) bool { return l.Skill == skill })
		})
		for _, l := range s.Levels {
			has = append(has, fmt.Sprintf("%s at level %d", l.Skill, l.Level))
		}
		if len(has) > 0 {
			parts = append(parts, "has "+strings.Join(has, " and "))
		}
		if s.Language != "" {
			parts = append(parts, "speaks "+s.Language)
		}
		if len(s.Attributes) > 0 {
			parts = append(parts, "is as the family asked ("+strings.Join(s.Attributes, ", ")+")")
		}
		if parts == nil {
			return ""
		}
		return " who " + strings.Join(parts, " and ")
	}
	switch s.Rule {
	case RuleHours:
		return fmt.Sprintf("%s working %d minutes more, %s", who, s.Minutes, span())
	case RuleWindow:
		return "the family visited " + span()
	case RuleAbsent:
		return who + " not away on " + s.Span.From.In(zone).Format("Mon 2 Jan")
	case RuleSkill, RuleLanguage, RuleAttribute:
		return "somebody" + asked()
	case RuleDark:
		return "a visit in the dark"
	case RuleLast:
		return "a visit that is the last of a worker's day"
	case RulePause:
		return who + " without a break on " + s.Span.From.In(zone).Format("Mon 2 Jan")
	case RuleDayWork:
		return who + " with more work that day than agreed"
	case RuleWeekWork:
		return who + " with more work that week than agreed"
	case RuleCaseload:
		return who + " with one family more than agreed"
	case RuleSubstitutes:
		return "one visit more by a substitute"
	case RuleRunning:
		return "substitutes twice running"
	case RulePeople:
		return "one more person in the family"
	case RuleKnownFirst:
		return "somebody new without one whom the family knows"
	case RuleExcluded:
		return "somebody who is excluded"
	case RuleDoubleBooked:
		if len(s.Visits) == 1 {
			return "the time of another visit"
		}
		return fmt.Sprintf("the time of %d other visits", len(s.Visits))
	case RuleDayLimit:
		return "one more visit of the family on " + s.Span.From.In(zone).Format("Mon 2 Jan")
	case RuleWorkersNeeded:
		if s.More == 1 {
			return "one more worker" + asked() + ", " + span()
		}
		return fmt.Sprintf("%d more workers%s between them, %s", s.More, asked(), span())
	}
	return "another rule (" + string(s.Rule) + ")"
}

// newcomer stands for a worker who would have to be found.
func newcomer(i int) WorkerID { return WorkerID("newcomer " + string(rune('1'+i))) }

// With is the standing schedule as it would be with a remedy for d: its rules
// relaxed, what gives way gone, and d at its place.
func (s Standing) With(d Demand, r Remedy) Standing {
	p := s.Problem
	p.Roster = slices.Clone(p.Roster)
	slot := r.Place
	slot.Workers = slices.Clone(slot.Workers)
	worker := func(id WorkerID, change func(*Available)) {
		for i := range p.Roster {
			if p.Roster[i].ID == id {
				change(&p.Roster[i])
			}
		}
	}
	gone := map[VisitID]bool{}
	perDay := 0
	for _, x := range r.Steps {
		switch x.Rule {
		case RuleWindow:
			d.Windows = append(slices.Clone(d.Windows), *x.Span)
		case RuleHours:
			for _, id := range x.Workers {
				worker(id, func(a *Available) { a.Shifts = merge(append(slices.Clone(a.Shifts), *x.Span)) })
			}
		case RuleAbsent:
			for _, id := range x.Workers {
				worker(id, func(a *Available) { a.Away = subtract(a.Away, []Span{*x.Span}) })
			}
		case RuleAttribute, RulePause, RuleDayWork, RuleWeekWork, RuleCaseload:
			for _, id := range x.Workers {
				worker(id, func(a *Available) { a.lift(x) })
			}
		case RuleDark:
			d.Daylight = false
		case RuleLast:
			d.NotLast = false
		case RuleSubstitutes, RuleRunning, RulePeople, RuleKnownFirst:
			p.Families = lifted(p.Families, d, x.Rule)
		case RuleSkill, RuleLanguage:
			worker(slot.Workers[0], func(a *Available) {
				a.Skills = append(slices.Clone(a.Skills), x.Skills...)
				a.Levels = slices.DeleteFunc(slices.Clone(a.Levels), func(l SkillLevel) bool {
					return slices.ContainsFunc(x.Levels, func(better SkillLevel) bool { return better.Skill == l.Skill })
				})
				a.Levels = append(a.Levels, x.Levels...)
				if x.Language != "" {
					a.Languages = append(slices.Clone(a.Languages), x.Language)
				}
			})
		case RuleExcluded:
			d.Excluded = slices.DeleteFunc(slices.Clone(d.Excluded), func(w WorkerID) bool { return slices.Contains(slot.Workers, w) })
		case RuleDoubleBooked:
			for _, v := range x.Visits {
				gone[v] = true
			}
		case RuleDayLimit:
			perDay = 1
		case RuleWorkersNeeded:
			for i := range x.More {
				found := Available{ID: newcomer(i), Skills: x.Skills, Levels: x.Levels, Attributes: x.Attributes, Shifts: []Span{{x.Span.From.Add(-margin), x.Span.To.Add(margin)}}, Base: d.At.Point}
				if x.Language != "" {
					found.Languages = []string{x.Language}
				}
				p.Roster = append(p.Roster, found)
				slot.Workers = append(slot.Workers, found.ID)
			}
		}
	}
	out := Standing{Problem: p}
	out.Problem.Demands = nil
	gone[d.Visit] = true
	for _, other := range p.Demands {
		if !gone[other.Visit] {
			out.Problem.Demands = append(out.Problem.Demands, other)
		}
	}
	out.Problem.Demands = append(out.Problem.Demands, d)
	for i := range out.Problem.Demands {
		if other := &out.Problem.Demands[i]; other.Series == d.Series && other.PerDay > 0 {
			other.PerDay += perDay
		}
	}
	for _, x := range s.Plan.Placed {
		if !gone[x.Visit] {
			out.Plan.Placed = append(out.Plan.Placed, x)
		}
	}
	out.Plan.Placed = append(out.Plan.Placed, Placement{d.Visit, slot})
	return out
}

// lift is the worker with what was agreed set aside as far as a step says.
func (a *Available) lift(x Step) {
	switch x.Rule {
	case RuleAttribute:
		a.Attributes = append(slices.Clone(a.Attributes), x.Attributes...)
	case RulePause:
		a.Pauses = slices.DeleteFunc(slices.Clone(a.Pauses), func(p Pause) bool { return p.Overlaps(*x.Span) })
	case RuleDayWork:
		a.Limits.DayMinutes, a.Limits.DayVisits = 0, 0
	case RuleWeekWork:
		a.Limits.WeekMinutes, a.Limits.WeekVisits = 0, 0
	case RuleCaseload:
		a.Limits.Families = 0
	}
}

// lifted are families' rules with one more of what a rule bounds, for d's family.
func lifted(families []Family, d Demand, rule Rule) []Family {
	families = slices.Clone(families)
	for i := range families {
		f := &families[i]
		if f.Series != d.Series {
			continue
		}
		switch rule {
		case RuleSubstitutes:
			more := *f.Substitutes
			more.Most++
			f.Substitutes = &more
		case RuleRunning:
			more := *f.Substitutes
			more.NeverRunning = false
			f.Substitutes = &more
		case RulePeople:
			more := *f.People
			more.Most += d.Workers
			f.People = &more
		case RuleKnownFirst:
			f.KnownFirst = false
		}
	}
	return families
}

// against are the rules that stand against a remedy for d, in d's own visit and
// in others.
func (s Standing) against(d Demand, r Remedy) (own, others []Violation) {
	with := s.With(d, r)
	for _, found := range with.Problem.Check(with.Plan) {
		switch {
		case found.Rule == RuleLost: // what has no place is no fault of this one's
		case found.Visit == d.Visit:
			own = append(own, found)
		default:
			others = append(others, found)
		}
	}
	return own, others
}

// Proves says whether a remedy gives d its place without any other rule broken.
func (s Standing) Proves(d Demand, r Remedy) bool {
	own, others := s.against(d, r)
	return len(r.Steps) > 0 && len(own)+len(others) == 0
}

// Remedies derives remedies in one standing schedule.
type Remedies struct {
	standing Standing
	of       map[WorkerID][]int // index of Booked, or of Placed after them
	series   map[SeriesID][]int
	demands  map[VisitID]Demand
	roster   map[WorkerID]Available
}

// RemediesIn reads a standing schedule in which every rule is kept.
func RemediesIn(s Standing) Remedies {
	r := Remedies{s, map[WorkerID][]int{}, map[SeriesID][]int{}, map[VisitID]Demand{}, map[WorkerID]Available{}}
	for _, d := range s.Problem.Demands {
		r.demands[d.Visit] = d
	}
	for _, a := range s.Problem.Roster {
		r.roster[a.ID] = a
	}
	add := func(i int, series SeriesID, workers []WorkerID) {
		r.series[series] = append(r.series[series], i)
		for _, w := range workers {
			r.of[w] = append(r.of[w], i)
		}
	}
	for i, b := range s.Problem.Booked {
		add(i, b.Series, b.Workers)
	}
	for i, p := range s.Plan.Placed {
		add(len(s.Problem.Booked)+i, r.demands[p.Visit].Series, p.Slot.Workers)
	}
	return r
}

// around is the part of the schedule that a visit of a series at a place concerns:
// its workers' days, those of who comes with them to other families, and the
// family's other visits.
func (r Remedies) around(d Demand, workers []WorkerID) Standing {
	out := Standing{Problem: r.standing.Problem}
	out.Problem.Roster, out.Problem.Booked, out.Problem.Demands, out.Problem.Families = nil, nil, nil, nil
	for _, f := range r.standing.Problem.Families {
		if f.Series == d.Series {
			out.Problem.Families = append(out.Problem.Families, f)
		}
	}
	here := map[WorkerID]bool{}
	hire := func(w WorkerID) (added bool) {
		a, known := r.roster[w]
		if !known || here[w] {
			return false
		}
		here[w] = true
		out.Problem.Roster = append(out.Problem.Roster, a)
		return true
	}
	at := slices.Clone(r.series[d.Series])
	for _, w := range workers {
		hire(w)
		at = append(at, r.of[w]...)
	}
	slices.Sort(at)
	booked := r.standing.Problem.Booked
	mine := map[int]bool{}
	var partners []WorkerID
	for _, i := range slices.Compact(at) {
		mine[i] = true
		if i < len(booked) {
			out.Problem.Booked = append(out.Problem.Booked, booked[i])
			continue
		}
		p := r.standing.Plan.Placed[i-len(booked)]
		other := r.demands[p.Visit]
		switch {
		case p.Visit == d.Visit:
		case !slices.ContainsFunc(p.Slot.Workers, func(w WorkerID) bool { return slices.Contains(workers, w) }):
			// A visit of the family's, by others: what matters is its day.
			out.Problem.Booked = append(out.Problem.Booked, Booking{Visit: p.Visit, Series: other.Series, Workers: p.Slot.Workers, Span: p.Slot.Span(), At: other.At})
		default:
			out.Problem.Demands, out.Plan.Placed = append(out.Problem.Demands, other), append(out.Plan.Placed, p)
			for _, w := range p.Slot.Workers {
				if hire(w) {
					partners = append(partners, w)
				}
			}
		}
	}
	// Who is spared a visit may have a longer way to the next: partners' other
	// visits are looked at as far as their ways are concerned.
	for _, w := range partners {
		for _, i := range r.of[w] {
			switch {
			case mine[i]:
			case i < len(booked):
				mine[i] = true
				out.Problem.Booked = append(out.Problem.Booked, booked[i])
			default:
				p := r.standing.Plan.Placed[i-len(booked)]
				id := p.Visit + "#" + VisitID(w)
				p.Slot.Workers = []WorkerID{w}
				out.Problem.Demands = append(out.Problem.Demands, Demand{
					Visit: id, Series: r.demands[p.Visit].Series, Windows: []Span{p.Slot.Span()}, Minutes: int(p.Slot.Span().Length() / time.Minute), Workers: 1, At: r.demands[p.Visit].At,
				})
				out.Plan.Placed = append(out.Plan.Placed, Placement{id, p.Slot})
			}
		}
	}
	return out
}

// At derives what would let d stand at a place, rule by rule; false when that
// cannot be had by relaxing rules, or takes too many.
func (r Remedies) At(d Demand, place Slot) (Remedy, bool) {
	out, ok := r.around(d, place.Workers).relaxed(d, Remedy{Place: place})
	if ok && out.relaxes(RuleDoubleBooked) { // who gives way may leave their family's rules broken
		ok = r.standing.Proves(d, out)
	}
	return out, ok
}

// relaxed adds steps to a remedy until no rule stands against it.
func (s Standing) relaxed(d Demand, r Remedy) (Remedy, bool) {
	for {
		own, others := s.against(d, r)
		against := append(own, others...)
		if len(against) == 0 {
			return r.utc(), len(r.Steps) > 0
		}
		if len(r.Steps) == mostSteps {
			return r, false
		}
		step, ok := s.step(d, r, against[0].Rule)
		if !ok {
			return r, false
		}
		r.Steps = append(r.Steps, step)
	}
}

// utc is the remedy with its times as they are stored.
func (r Remedy) utc() Remedy {
	for i, s := range r.Steps {
		if s.Span != nil {
			r.Steps[i].Span = &Span{s.Span.From.UTC(), s.Span.To.UTC()}
		}
	}
	return r
}

// step relaxes one rule for d at the remedy's place.
func (s Standing) step(d Demand, r Remedy, rule Rule) (Step, bool) {
	step, place := Step{Rule: rule}, r.Place.Span()
	with := s.With(d, r)
	var team []Available
	for _, a := range with.Problem.Roster {
		if slices.Contains(r.Place.Workers, a.ID) {
			team = append(team, a)
		}
	}
	switch rule {
	case RuleWindow:
		step.Span, step.Minutes = &place, outside(d.Windows, place)
	case RuleSkill:
		for _, skill := range d.Skills {
			if !slices.ContainsFunc(team, func(a Available) bool { return slices.Contains(a.Skills, skill) }) {
				step.Skills = append(step.Skills, skill)
			}
		}
		for _, l := range d.Levels {
			if !slices.ContainsFunc(team, func(a Available) bool { return a.level(l.Skill) >= l.Level }) && l.Level > 1 {
				step.Levels = append(step.Levels, l)
			}
		}
	case RuleLanguage:
		step.Language = d.Language
	case RuleExcluded, RuleSubstitutes, RuleRunning, RulePeople, RuleKnownFirst:
	case RuleDark, RuleLast:
		step.Span = &place
	case RuleAttribute:
		for _, a := range team {
			for _, asked := range d.Attributes {
				if !slices.Contains(a.Attributes, asked) {
					step.Workers = append(step.Workers, a.ID)
					step.Attributes = append(step.Attributes, asked)
				}
			}
		}
		step.Workers, step.Attributes = sorted(step.Workers), sorted(step.Attributes)
	case RulePause, RuleDayWork, RuleWeekWork, RuleCaseload:
		day := s.day(place.From)
		step.Span = &day
		step.Workers = slices.Clone(r.Place.Workers)
		for _, a := range team {
			one := step
			if one.Workers = []WorkerID{a.ID}; s.helps(d, r, one) {
				step = one
				break
			}
		}
	case RuleDayLimit:
		day := s.day(place.From)
		step.Span = &day
	case RuleAbsent:
		day := s.day(place.From)
		for _, a := range team {
			if slices.ContainsFunc(a.Away, place.Overlaps) {
				step.Workers = append(step.Workers, a.ID)
			}
		}
		step.Span = &day
	case RuleHours, RuleTravel:
		if longer, ok := s.longer(d, r, team); ok {
			return longer, true
		}
		return s.giveWay(d, r, place)
	case RuleDoubleBooked:
		return s.giveWay(d, r, place)
	default:
		return step, false // a rule nobody relaxes
	}
	return step, !slices.ContainsFunc(r.Steps, func(x Step) bool { return x.Rule == rule })
}

func sorted[T cmp.Ordered](all []T) []T {
	slices.Sort(all)
	return slices.Compact(all)
}

// helps says whether fewer rules stand against a remedy with one more step.
func (s Standing) helps(d Demand, r Remedy, step Step) bool {
	had := s.count(d, r)
	r.Steps = append(slices.Clone(r.Steps), step)
	return s.count(d, r) < had
}

// count is how many rules stand against a remedy.
func (s Standing) count(d Demand, r Remedy) int {
	own, others := s.against(d, r)
	return len(own) + len(others)
}

func (s Standing) day(t time.Time) Span {
	y, m, d := t.In(s.Problem.Zone).Date()
	return Span{time.Date(y, m, d, 0, 0, 0, 0, s.Problem.Zone).UTC(), time.Date(y, m, d+1, 0, 0, 0, 0, s.Problem.Zone).UTC()}
}

// outside is how many minutes of a place lie outside the window that is nearest.
func outside(windows []Span, place Span) int {
	least := int(place.Length() / time.Minute)
	for _, w := range windows {
		if out := max(w.From.Sub(place.From), 0) + max(place.To.Sub(w.To), 0); place.Overlaps(w) {
			least = min(least, int(out/time.Minute))
		}
	}
	return least
}

const (
	// longest is how much longer a worker's hours are made before or after.
	longest = time.Hour
	// pace is what hours are made longer by.
	pace = 5 * time.Minute
	// margin is what somebody who would have to be found has to come and go in.
	margin = 2 * time.Hour
)

// longer finds the worker whose hours are too short for the remedy's place, and by
// how much: the fewest minutes, before or after what they work.
func (s Standing) longer(d Demand, r Remedy, team []Available) (Step, bool) {
	place := r.Place.Span()
	had := s.count(d, r)
	try := func(a Available, more Span) (Step, bool) {
		step := Step{Rule: RuleHours, Workers: []WorkerID{a.ID}, Span: &more, Minutes: int(more.Length() / time.Minute)}
		tried := r
		tried.Steps = append(slices.Clone(r.Steps), step)
		return step, s.count(d, tried) < had
	}
	for _, a := range team {
		shift, works := nearest(a.Shifts, place, s.day(place.From))
		if !works {
			continue
		}
		for _, more := range []func(time.Duration) Span{
			func(by time.Duration) Span { return Span{shift.To, shift.To.Add(by)} },
			func(by time.Duration) Span { return Span{shift.From.Add(-by), shift.From} },
		} {
			if _, helps := try(a, more(longest)); !helps {
				continue
			}
			// What helps helps when there is more of it, too.
			paces := sort.Search(int(longest/pace)-1, func(i int) bool { _, helps := try(a, more(time.Duration(i+1)*pace)); return helps })
			return try(a, more(time.Duration(paces+1)*pace))
		}
	}
	return Step{}, false
}

// nearest is the shift of a day that lies nearest to a place.
func nearest(shifts []Span, place, day Span) (Span, bool) {
	best, found := Span{}, false
	distance := func(x Span) time.Duration { return max(x.From.Sub(place.From), place.To.Sub(x.To), 0) }
	for _, x := range merge(slices.Clone(shifts)) {
		if x.Overlaps(day) && (!found || distance(x) < distance(best)) {
			best, found = x, true
		}
	}
	return best, found
}

// giveWay finds the visits that stand in the way of the remedy's place: those of
// its workers at its time, and where the way is too long the one before or after.
func (s Standing) giveWay(d Demand, r Remedy, place Span) (Step, bool) {
	type other struct {
		id   VisitID
		span Span
	}
	var overlapping, before, after []other
	for _, p := range s.Plan.Placed {
		span := p.Slot.Span()
		gone := slices.ContainsFunc(r.Steps, func(x Step) bool { return slices.Contains(x.Visits, p.Visit) })
		if gone || !slices.ContainsFunc(p.Slot.Workers, func(w WorkerID) bool { return slices.Contains(r.Place.Workers, w) }) {
			continue
		}
		switch {
		case span.Overlaps(place):
			overlapping = append(overlapping, other{p.Visit, span})
		case span.From.Before(place.From):
			before = append(before, other{p.Visit, span})
		default:
			after = append(after, other{p.Visit, span})
		}
	}
	slices.SortFunc(before, func(a, b other) int { return b.span.To.Compare(a.span.To) })
	slices.SortFunc(after, func(a, b other) int { return a.span.From.Compare(b.span.From) })
	for _, n := range []struct{ before, after int }{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		if n.before > len(before) || n.after > len(after) {
			continue
		}
		step := Step{Rule: RuleDoubleBooked}
		for _, o := range slices.Concat(overlapping, before[:n.before], after[:n.after]) {
			step.Visits = append(step.Visits, o.id)
		}
		if len(step.Visits) == 0 {
			continue
		}
		if s.helps(d, r, step) {
			return step, true
		}
	}
	return Step{}, false
}

// More is the remedy of workers to be found, one who comes with somebody who is
// free, or all of them. It fails while the family has its visits of every day.
func (r Remedies) More(d Demand) (Remedy, bool) {
	if d.Workers > 1 {
		if out, ok := r.partner(d); ok {
			return out, true
		}
	}
	for _, window := range d.Windows {
		if window.Length() < time.Duration(d.Minutes)*time.Minute {
			continue
		}
		place := Slot{StartsAt: window.From.UTC(), EndsAt: window.From.Add(time.Duration(d.Minutes) * time.Minute).UTC()}
		there := Span{window.From.UTC(), window.To.UTC()}
		if out, ok := r.around(d, nil).relaxed(d, Remedy{Place: place, Steps: []Step{d.found(d.Workers, there)}}); ok {
			return out, true
		}
	}
	return Remedy{}, false
}

// partner is one worker to be found for a pair with somebody who is free.
func (r Remedies) partner(d Demand) (Remedy, bool) {
	one := r.standing.Problem
	one.Booked = slices.Clone(one.Booked)
	for _, p := range r.standing.Plan.Placed {
		other := r.demands[p.Visit]
		one.Booked = append(one.Booked, Booking{Visit: p.Visit, Series: other.Series, Workers: p.Slot.Workers, Span: p.Slot.Span(), At: other.At})
	}
	half := d
	half.Workers, half.Skills, half.Levels, half.Language = 1, nil, nil, ""
	at, ok := newGreedy(one).best(&half)
	if !ok {
		return Remedy{}, false
	}
	start := time.Unix(at.start*60, 0).UTC()
	place := Slot{StartsAt: start, EndsAt: start.Add(time.Duration(d.Minutes) * time.Minute), Workers: []WorkerID{at.openings[0].worker.ID}}
	there := place.Span()
	return r.around(d, place.Workers).relaxed(d, Remedy{Place: place, Steps: []Step{d.found(d.Workers-1, there)}})
}

// found is the step of workers who are all that d asks for.
func (d *Demand) found(more int, there Span) Step {
	return Step{Rule: RuleWorkersNeeded, More: more, Skills: d.Skills, Levels: d.Levels, Attributes: d.Attributes, Language: d.Language, Span: &there}
}
