package instruments

import "time"

// Kind says what an instrument is for.
type Kind string

const (
	// Safety instruments propose a safety decision.
	Safety Kind = "safety"
	// Scale instruments measure needs and strengths.
	Scale Kind = "scale"
)

// Instrument is one version of one questionnaire.
type Instrument struct {
	Code        string
	Version     string
	Kind        Kind
	Title       string
	Purpose     string
	Licence     string // an SPDX identifier
	Attribution string
	Effective   time.Time // first day this version is given to new assessments, UTC midnight
	Items       []Item
	Subscales   []Subscale
	Decision    []DecisionRule // safety instruments only; most severe first
	Hash        string         // SHA-256 of the file, lower-case hex

	byCode map[string]int
}

// Item is one question.
type Item struct {
	Code        string
	Text        string
	Guidance    string
	EnabledWhen *Condition // nil: always asked
	Options     []Option
}

// Option is one possible answer. An answer without points never enters a score;
// Means says why it has none.
type Option struct {
	Code   string
	Label  string
	Points *int
	Means  Meaning
}

// Meaning tells an answer that has no points apart from one that measures.
type Meaning string

const (
	// Measures is an ordinary answer.
	Measures Meaning = ""
	// NotKnown is an answer that could not be given: it counts as missing.
	NotKnown Meaning = "not_known"
	// NotApplicable takes the item out of the count.
	NotApplicable Meaning = "not_applicable"
)

// Method is how points become a subscale's score.
type Method string

const (
	// Mean divides the points by the number of answers that measure.
	Mean Method = "mean"
	// Sum adds the points. It needs every item answered: a sum over fewer items
	// would treat a missing answer as zero.
	Sum Method = "sum"
)

// Subscale is one score made from some of the items.
type Subscale struct {
	Code       string
	Title      string
	Domain     Domain
	Method     Method
	MinPercent int // missing-data rule: fewer of the applicable items answered than this gives no score
	Items      []string
	Bands      []Band
	Raise      []Raise
}

// Band is a range of scores with a meaning. Bands are in ascending order; a
// score belongs to the first band whose UpTo it does not exceed, and the last
// band has no upper end.
type Band struct {
	Code     string
	Title    string
	UpTo     *Hundredths
	Need     NeedLevel
	Strength bool
}

// Raise lifts a subscale to a higher band when its condition holds, so that a
// mean cannot hide one serious answer. It never lowers one.
type Raise struct {
	To   string
	When Condition
}

// Domain is an area of a family's life.
type Domain string

// Domains in the order they are shown.
var domains = []Domain{
	"safety", "health", "emotional_behavioural", "education",
	"parenting", "household_needs", "relationships", "supports",
}

// NeedLevel is how much help a domain needs.
type NeedLevel string

const (
	NoNeed   NeedLevel = "none"
	SomeNeed NeedLevel = "some"
	HighNeed NeedLevel = "high"
)

// Decision is what is decided about the children's safety.
type Decision string

const (
	// Safe: no danger found.
	Safe Decision = "safe"
	// SafeWithPlan: the children can stay if a safety plan is in force.
	SafeWithPlan Decision = "safe_with_plan"
	// Unsafe: the children are in danger now.
	Unsafe Decision = "unsafe"
)

// DecisionRule proposes Decide when its condition holds. The last rule has no
// condition.
type DecisionRule struct {
	Decide Decision
	When   *Condition
}

// Item returns the item with that code.
func (ins *Instrument) Item(code string) (*Item, bool) {
	i, ok := ins.byCode[code]
	if !ok {
		return nil, false
	}
	return &ins.Items[i], true
}

// Option returns the option with that code.
func (it *Item) Option(code string) (*Option, bool) {
	for i := range it.Options {
		if it.Options[i].Code == code {
			return &it.Options[i], true
		}
	}
	return nil, false
}

// Band returns the position of the band with that code.
func (s *Subscale) Band(code string) (int, bool) {
	for i, b := range s.Bands {
		if b.Code == code {
			return i, true
		}
	}
	return 0, false
}
