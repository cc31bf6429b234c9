package scoring

import (
	"fmt"
	"slices"
	"sort"

	"github.com/hearthfps/hearth/services/assessment/instruments"
)

// Answers holds the option chosen for each item, by item code. An item without
// an entry is unanswered.
type Answers map[string]string

// Fault is an answer the instrument has no room for.
type Fault struct{ Item, Code, Detail string }

// Check returns what is wrong with answers: items and options that do not
// exist. Answers to items that are not asked are allowed.
func Check(ins *instruments.Instrument, answers Answers) []Fault {
	var faults []Fault
	for item, option := range answers {
		it, ok := ins.Item(item)
		if !ok {
			faults = append(faults, Fault{item, "unknown_item", fmt.Sprintf("%s %s has no such item.", ins.Code, ins.Version)})
			continue
		}
		if _, ok := it.Option(option); !ok {
			faults = append(faults, Fault{item, "unknown_option", "The item has no such option."})
		}
	}
	sort.Slice(faults, func(i, j int) bool { return faults[i].Item < faults[j].Item })
	return faults
}

// Result is what answers come to, with the way there.
type Result struct {
	Instrument string          `json:"instrument"`
	Version    string          `json:"version"`
	Hash       string          `json:"hash"`
	Items      []ItemTrace     `json:"items"`
	Subscales  []SubscaleScore `json:"subscales"`
	Decision   *DecisionTrace  `json:"decision,omitempty"`
}

// ItemTrace is where one item stands.
type ItemTrace struct {
	Item     string `json:"item"`
	Standing string `json:"standing"` // answered, missing, not_asked, undetermined
	Answer   string `json:"answer,omitempty"`
	SetAside string `json:"set_aside,omitempty"` // an answer kept although the item is not asked
	Points   *int   `json:"points,omitempty"`
}

// Reasons why an item in a subscale does not contribute to it.
const (
	Counted       = "counted"
	Missing       = "missing"
	NotKnown      = "not_known"
	NotApplicable = "not_applicable"
	NotAsked      = "not_asked"
	Undetermined  = "undetermined"
)

// Contribution is what one item gives to a subscale.
type Contribution struct {
	Item   string `json:"item"`
	Status string `json:"status"`
	Points *int   `json:"points,omitempty"` // set when Status is counted
}

// SubscaleScore is one subscale's score, or why it has none.
type SubscaleScore struct {
	Subscale      string                  `json:"subscale"`
	Domain        instruments.Domain      `json:"domain"`
	Method        instruments.Method      `json:"method"`
	Contributions []Contribution          `json:"contributions"`
	Applicable    int                     `json:"applicable"` // items asked that apply to the family
	Counted       int                     `json:"counted"`    // of these, answered
	MinPercent    int                     `json:"min_answered_percent"`
	PointSum      int                     `json:"point_sum"`
	Score         *instruments.Hundredths `json:"score,omitempty"`
	NoScore       string                  `json:"no_score_reason,omitempty"` // too_few_answers, nothing_applicable
	Band          string                  `json:"band,omitempty"`
	RaisedFrom    string                  `json:"raised_from,omitempty"` // the band the score alone would give
	Need          instruments.NeedLevel   `json:"need,omitempty"`
	Strength      bool                    `json:"strength"`
}

// Reasons for a subscale without a score.
const (
	TooFewAnswers     = "too_few_answers"
	NothingApplicable = "nothing_applicable"
)

// DecisionTrace is the proposed safety decision and each rule's truth.
type DecisionTrace struct {
	Proposed instruments.Decision `json:"proposed,omitempty"` // empty: a missing answer decides
	Rules    []RuleTrace          `json:"rules"`
	Waiting  []string             `json:"waiting_for,omitempty"` // items without an answer
}

// RuleTrace is how one decision rule came out.
type RuleTrace struct {
	Decide instruments.Decision `json:"decide"`
	Holds  string               `json:"holds"` // yes, no, unknown, otherwise
}

// Score scores answers. Answers that Check refuses are treated as not given.
func Score(ins *instruments.Instrument, answers Answers) Result {
	s := newSheet(ins, answers)
	r := Result{Instrument: ins.Code, Version: ins.Version, Hash: ins.Hash, Items: s.trace(), Subscales: []SubscaleScore{}}
	for i := range ins.Subscales {
		r.Subscales = append(r.Subscales, s.subscale(&ins.Subscales[i]))
	}
	if ins.Kind == instruments.Safety {
		r.Decision = s.decide()
	}
	return r
}

// sheet is an answer sheet with every item's standing worked out.
type sheet struct {
	ins      *instruments.Instrument
	given    Answers
	standing []instruments.Standing
}

func newSheet(ins *instruments.Instrument, answers Answers) *sheet {
	s := &sheet{ins: ins, given: answers, standing: make([]instruments.Standing, 0, len(ins.Items))}
	known := make(map[string]int, len(ins.Items))
	at := func(item string) instruments.Standing { return s.standing[known[item]] }
	for i := range ins.Items {
		it := &ins.Items[i]
		asked := instruments.True
		if it.EnabledWhen != nil {
			asked = it.EnabledWhen.Eval(at)
		}
		st := instruments.Standing{State: instruments.Undetermined}
		switch asked {
		case instruments.False:
			st.State = instruments.Disabled
		case instruments.True:
			st.State = instruments.Open
			if o, ok := it.Option(answers[it.Code]); ok {
				st = instruments.Standing{State: instruments.Answered, Option: o.Code}
			}
		}
		known[it.Code] = i
		s.standing = append(s.standing, st)
	}
	return s
}

func (s *sheet) at(item string) instruments.Standing {
	for i := range s.ins.Items {
		if s.ins.Items[i].Code == item {
			return s.standing[i]
		}
	}
	return instruments.Standing{State: instruments.Disabled}
}

func (s *sheet) trace() []ItemTrace {
	out := make([]ItemTrace, len(s.ins.Items))
	for i := range s.ins.Items {
		it, st := &s.ins.Items[i], s.standing[i]
		t := ItemTrace{Item: it.Code}
		kept := ""
		if o, ok := it.Option(s.given[it.Code]); ok {
			kept = o.Code
		}
		switch st.State {
		case instruments.Answered:
			o, _ := it.Option(st.Option)
			t.Standing, t.Answer, t.Points = "answered", o.Code, o.Points
		case instruments.Open:
			t.Standing = "missing"
		case instruments.Disabled:
			t.Standing, t.SetAside = "not_asked", kept
		default:
			t.Standing, t.SetAside = "undetermined", kept
		}
		out[i] = t
	}
	return out
}

func (s *sheet) subscale(sub *instruments.Subscale) SubscaleScore {
	out := SubscaleScore{Subscale: sub.Code, Domain: sub.Domain, Method: sub.Method, MinPercent: sub.MinPercent}
	for _, code := range sub.Items {
		c := s.contribution(code)
		switch c.Status {
		case Counted:
			out.Applicable++
			out.Counted++
			out.PointSum += *c.Points
		case Missing, NotKnown, Undetermined:
			// What may concern the family counts until it is known not to.
			out.Applicable++
		}
		out.Contributions = append(out.Contributions, c)
	}
	switch {
	case out.Applicable == 0:
		out.NoScore = NothingApplicable
		return out
	case out.Counted*100 < sub.MinPercent*out.Applicable:
		out.NoScore = TooFewAnswers
		return out
	}
	score := instruments.Ratio(out.PointSum, 1)
	if sub.Method == instruments.Mean {
		score = instruments.Ratio(out.PointSum, out.Counted)
	}
	out.Score = &score
	s.band(sub, &out)
	return out
}

func (s *sheet) contribution(code string) Contribution {
	c := Contribution{Item: code}
	st := s.at(code)
	switch st.State {
	case instruments.Disabled:
		c.Status = NotAsked
	case instruments.Undetermined:
		c.Status = Undetermined
	case instruments.Open:
		c.Status = Missing
	default:
		it, _ := s.ins.Item(code)
		o, _ := it.Option(st.Option)
		switch o.Means {
		case instruments.NotKnown:
			c.Status = NotKnown
		case instruments.NotApplicable:
			c.Status = NotApplicable
		default:
			c.Status, c.Points = Counted, o.Points
		}
	}
	return c
}

// band puts a score in its band, by the rounded score that is shown, and raises
// it where a rule says so.
func (s *sheet) band(sub *instruments.Subscale, out *SubscaleScore) {
	at := slices.IndexFunc(sub.Bands, func(b instruments.Band) bool { return b.UpTo == nil || *out.Score <= *b.UpTo })
	alone := at
	for i := range sub.Raise {
		to, _ := sub.Band(sub.Raise[i].To)
		if to > at && sub.Raise[i].When.Eval(s.at) == instruments.True {
			at = to
		}
	}
	if at != alone {
		out.RaisedFrom = sub.Bands[alone].Code
	}
	b := sub.Bands[at]
	out.Band, out.Need, out.Strength = b.Code, b.Need, b.Strength
}

// decide proposes the first rule's decision that holds. A more severe rule that
// a missing answer could still make true leaves it open.
func (s *sheet) decide() *DecisionTrace {
	d := &DecisionTrace{}
	open := false
	for i := range s.ins.Decision {
		rule := &s.ins.Decision[i]
		holds, truth := "otherwise", instruments.True
		if rule.When != nil {
			truth = rule.When.Eval(s.at)
			holds = map[instruments.Truth]string{instruments.True: "yes", instruments.False: "no", instruments.Unknown: "unknown"}[truth]
		}
		d.Rules = append(d.Rules, RuleTrace{Decide: rule.Decide, Holds: holds})
		switch {
		case truth == instruments.Unknown:
			open = true
		case truth == instruments.True && !open && d.Proposed == "":
			d.Proposed = rule.Decide
		}
	}
	if d.Proposed == "" {
		for i, st := range s.standing {
			if st.State == instruments.Open {
				d.Waiting = append(d.Waiting, s.ins.Items[i].Code)
			}
		}
	}
	return d
}

// Need is how much help one domain needs, over all subscales of the domain.
type Need struct {
	Domain instruments.Domain    `json:"domain"`
	Level  instruments.NeedLevel `json:"level"`
}

// Needs returns the level of each scored domain, the highest where a domain has
// several subscales. A domain without a score is not in it: it is not known.
func (r Result) Needs() []Need {
	rank := map[instruments.NeedLevel]int{instruments.NoNeed: 0, instruments.SomeNeed: 1, instruments.HighNeed: 2}
	out := []Need{}
	for _, s := range r.Subscales {
		if s.Score == nil {
			continue
		}
		i := slices.IndexFunc(out, func(n Need) bool { return n.Domain == s.Domain })
		switch {
		case i < 0:
			out = append(out, Need{s.Domain, s.Need})
		case rank[s.Need] > rank[out[i].Level]:
			out[i].Level = s.Need
		}
	}
	return out
}

// Strengths returns the domains in which every scored subscale is a strength.
func (r Result) Strengths() []instruments.Domain {
	out := []instruments.Domain{}
	weak := map[instruments.Domain]bool{}
	for _, s := range r.Subscales {
		if s.Score != nil && !s.Strength {
			weak[s.Domain] = true
		}
	}
	for _, s := range r.Subscales {
		if s.Score != nil && s.Strength && !weak[s.Domain] && !slices.Contains(out, s.Domain) {
			out = append(out, s.Domain)
		}
	}
	return out
}
