package instruments

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// maxFile bounds an instrument file, in bytes.
const maxFile = 256 << 10

// file is the YAML form. Option sets are written once and named by items.
type file struct {
	Instrument  string                  `yaml:"instrument"`
	Version     string                  `yaml:"version"`
	Kind        string                  `yaml:"kind"`
	Title       string                  `yaml:"title"`
	Purpose     string                  `yaml:"purpose"`
	Licence     string                  `yaml:"licence"`
	Attribution string                  `yaml:"attribution"`
	Effective   string                  `yaml:"effective"`
	OptionSets  map[string][]fileOption `yaml:"option_sets"`
	Items       []fileItem              `yaml:"items"`
	Subscales   []fileSubscale          `yaml:"subscales"`
	Decision    []fileDecision          `yaml:"decision"`
}

type fileItem struct {
	Item        string         `yaml:"item"`
	Text        string         `yaml:"text"`
	Guidance    string         `yaml:"guidance"`
	OptionSet   string         `yaml:"option_set"`
	Options     []fileOption   `yaml:"options"`
	EnabledWhen *fileCondition `yaml:"enabled_when"`
}

type fileOption struct {
	Option string `yaml:"option"`
	Label  string `yaml:"label"`
	Points *int   `yaml:"points"`
	Means  string `yaml:"means"`
}

type fileSubscale struct {
	Subscale string   `yaml:"subscale"`
	Title    string   `yaml:"title"`
	Domain   string   `yaml:"domain"`
	Method   string   `yaml:"method"`
	Missing  missing  `yaml:"missing"`
	Items    []string `yaml:"items"`
	Bands    []struct {
		Band     string  `yaml:"band"`
		Title    string  `yaml:"title"`
		UpTo     *string `yaml:"up_to"`
		Need     string  `yaml:"need"`
		Strength bool    `yaml:"strength"`
	} `yaml:"bands"`
	Raise []struct {
		To   string        `yaml:"to"`
		When fileCondition `yaml:"when"`
	} `yaml:"raise"`
}

type missing struct {
	MinAnsweredPercent *int `yaml:"min_answered_percent"`
}

type fileDecision struct {
	Decide string         `yaml:"decide"`
	When   *fileCondition `yaml:"when"`
}

type fileCondition struct {
	Item  string          `yaml:"item"`
	In    []string        `yaml:"in"`
	All   []fileCondition `yaml:"all"`
	Any   []fileCondition `yaml:"any"`
	Not   *fileCondition  `yaml:"not"`
	Count *fileCount      `yaml:"count"`
}

type fileCount struct {
	Items   []string `yaml:"items"`
	In      []string `yaml:"in"`
	AtLeast int      `yaml:"at_least"`
}

// Parse reads one instrument file. Its error says which part of the file is
// wrong and what is expected there.
func Parse(src []byte) (*Instrument, error) {
	if len(src) > maxFile {
		return nil, fmt.Errorf("the file has %d bytes; an instrument has at most %d", len(src), maxFile)
	}
	f, err := decode(src)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(src)
	c := &check{}
	ins := f.build(c)
	if err := c.err(); err != nil {
		return nil, err
	}
	ins.Hash = hex.EncodeToString(sum[:])
	return ins, nil
}

// decode reads the YAML. The library panics on some broken files.
func decode(src []byte) (f *file, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, errors.New("reading YAML: it cannot be read")
		}
	}()
	for _, t := range lexer.Tokenize(string(src)) {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return nil, fmt.Errorf("line %d: anchors and aliases are not allowed: write the value out or use an option set", t.Position.Line)
		}
	}
	f = &file{}
	if err := yaml.NewDecoder(bytes.NewReader(src), yaml.Strict()).Decode(f); err != nil {
		return nil, fmt.Errorf("reading YAML: %w", err)
	}
	return f, nil
}

func (f *file) build(c *check) *Instrument {
	ins := &Instrument{
		Code: c.code("instrument", f.Instrument), Version: c.version(f.Version),
		Title: c.text("title", f.Title), Purpose: c.text("purpose", f.Purpose),
		Licence: c.text("licence", f.Licence), Attribution: c.text("attribution", f.Attribution),
		byCode: make(map[string]int, len(f.Items)),
	}
	switch Kind(f.Kind) {
	case Safety, Scale:
		ins.Kind = Kind(f.Kind)
	default:
		c.addf("kind", "%q is neither safety nor scale", f.Kind)
	}
	var err error
	ins.Effective, err = time.Parse(time.DateOnly, f.Effective)
	if err != nil {
		c.addf("effective", "%q is not a date like 2026-01-01", f.Effective)
	}
	f.buildItems(c, ins)
	f.buildSubscales(c, ins)
	f.buildDecision(c, ins)
	return ins
}

func (f *file) buildItems(c *check, ins *Instrument) {
	if len(f.Items) == 0 {
		c.addf("items", "an instrument has at least one item")
	}
	for i, fi := range f.Items {
		at := fmt.Sprintf("items[%d]", i)
		it := Item{Code: c.code(at+".item", fi.Item), Text: c.text(at+".text", fi.Text), Guidance: fi.Guidance}
		options := fi.Options
		if fi.OptionSet != "" {
			set, ok := f.OptionSets[fi.OptionSet]
			if !ok {
				c.addf(at+".option_set", "there is no option set %q", fi.OptionSet)
			}
			if len(fi.Options) > 0 {
				c.addf(at+".options", "give options or option_set, not both")
			}
			options = set
		}
		it.Options = buildOptions(c, at+".options", options)
		if fi.EnabledWhen != nil {
			// Only items read so far can be named: that is what keeps enablement acyclic.
			it.EnabledWhen = fi.EnabledWhen.build(c, at+".enabled_when", ins, 0)
		}
		if _, twice := ins.byCode[it.Code]; twice {
			c.addf(at+".item", "item %q is there twice", it.Code)
		}
		ins.byCode[it.Code] = len(ins.Items)
		ins.Items = append(ins.Items, it)
	}
}

func buildOptions(c *check, at string, in []fileOption) []Option {
	if len(in) < 2 {
		c.addf(at, "an item has at least two options")
	}
	seen := map[string]bool{}
	out := make([]Option, 0, len(in))
	for i, fo := range in {
		at := fmt.Sprintf("%s[%d]", at, i)
		o := Option{Code: c.code(at+".option", fo.Option), Label: c.text(at+".label", fo.Label), Points: fo.Points, Means: Meaning(fo.Means)}
		if seen[o.Code] {
			c.addf(at+".option", "option %q is there twice", o.Code)
		}
		seen[o.Code] = true
		switch o.Means {
		case Measures:
		case NotKnown, NotApplicable:
			if o.Points != nil {
				c.addf(at+".points", "an answer that means %s has no points", o.Means)
			}
		default:
			c.addf(at+".means", "%q is neither not_known nor not_applicable", fo.Means)
		}
		if o.Points != nil && (*o.Points < 0 || *o.Points > 100) {
			c.addf(at+".points", "%d is outside 0 to 100", *o.Points)
		}
		out = append(out, o)
	}
	return out
}

func (f *file) buildSubscales(c *check, ins *Instrument) {
	if len(f.Subscales) == 0 {
		c.addf("subscales", "an instrument has at least one subscale")
	}
	seen := map[string]bool{}
	for i, fs := range f.Subscales {
		at := fmt.Sprintf("subscales[%d]", i)
		s := Subscale{
			Code: c.code(at+".subscale", fs.Subscale), Title: c.text(at+".title", fs.Title),
			Domain: c.domain(at+".domain", fs.Domain), Method: Method(fs.Method), Items: fs.Items,
		}
		if seen[s.Code] {
			c.addf(at+".subscale", "subscale %q is there twice", s.Code)
		}
		seen[s.Code] = true
		if p := fs.Missing.MinAnsweredPercent; p == nil || *p < 1 || *p > 100 {
			c.addf(at+".missing.min_answered_percent", "say what share of the items must be answered, 1 to 100")
		} else {
			s.MinPercent = *p
		}
		switch {
		case s.Method != Mean && s.Method != Sum:
			c.addf(at+".method", "%q is neither mean nor sum", fs.Method)
		case s.Method == Sum && s.MinPercent != 100:
			c.addf(at+".missing.min_answered_percent", "a sum needs 100: with fewer answers a missing one would count as zero")
		}
		if len(fs.Items) == 0 {
			c.addf(at+".items", "a subscale has at least one item")
		}
		inScale := map[string]bool{}
		for j, code := range fs.Items {
			at := fmt.Sprintf("%s.items[%d]", at, j)
			it, ok := ins.Item(code)
			if !ok {
				c.addf(at, "there is no item %q", code)
				continue
			}
			if inScale[code] {
				c.addf(at, "item %q is there twice", code)
			}
			inScale[code] = true
			for _, o := range it.Options {
				if o.Means == Measures && o.Points == nil {
					c.addf(at, "option %q of item %q has no points, so the item cannot be in a subscale", o.Code, code)
				}
			}
		}
		fs.buildBands(c, at, &s)
		for j, r := range fs.Raise {
			at := fmt.Sprintf("%s.raise[%d]", at, j)
			if _, ok := s.Band(r.To); !ok {
				c.addf(at+".to", "there is no band %q", r.To)
			}
			s.Raise = append(s.Raise, Raise{To: r.To, When: *r.When.build(c, at+".when", ins, 0)})
		}
		ins.Subscales = append(ins.Subscales, s)
	}
}

func (fs *fileSubscale) buildBands(c *check, at string, s *Subscale) {
	if len(fs.Bands) == 0 {
		c.addf(at+".bands", "a subscale has at least one band")
	}
	seen := map[string]bool{}
	last := Hundredths(-1)
	for j, fb := range fs.Bands {
		at := fmt.Sprintf("%s.bands[%d]", at, j)
		b := Band{Code: c.code(at+".band", fb.Band), Title: c.text(at+".title", fb.Title), Need: NeedLevel(fb.Need), Strength: fb.Strength}
		if seen[b.Code] {
			c.addf(at+".band", "band %q is there twice", b.Code)
		}
		seen[b.Code] = true
		switch b.Need {
		case NoNeed, SomeNeed, HighNeed:
		default:
			c.addf(at+".need", "%q is none of none, some, high", fb.Need)
		}
		if b.Strength && b.Need != NoNeed {
			c.addf(at+".strength", "a band that is a strength has need: none")
		}
		switch {
		case fb.UpTo == nil && j != len(fs.Bands)-1:
			c.addf(at+".up_to", "every band but the last says up to which score it goes")
		case fb.UpTo != nil && j == len(fs.Bands)-1:
			c.addf(at+".up_to", "the last band has no upper end")
		case fb.UpTo != nil:
			v, err := parseHundredths(*fb.UpTo)
			if err != nil {
				c.addf(at+".up_to", "%v", err)
			} else if v <= last {
				c.addf(at+".up_to", "%s is not above the band before", v)
			}
			last = v
			b.UpTo = &v
		}
		s.Bands = append(s.Bands, b)
	}
}

func (f *file) buildDecision(c *check, ins *Instrument) {
	if ins.Kind == Safety != (len(f.Decision) > 0) {
		c.addf("decision", "a safety instrument has decision rules, and no other has")
	}
	severity := map[Decision]int{Unsafe: 3, SafeWithPlan: 2, Safe: 1}
	before := 3
	for i, fd := range f.Decision {
		at := fmt.Sprintf("decision[%d]", i)
		r := DecisionRule{Decide: Decision(fd.Decide)}
		rank, ok := severity[r.Decide]
		switch {
		case !ok:
			c.addf(at+".decide", "%q is none of safe, safe_with_plan, unsafe", fd.Decide)
		case rank > before:
			c.addf(at+".decide", "rules go from the most severe to the least")
		}
		before = rank
		last := i == len(f.Decision)-1
		switch {
		case last != (fd.When == nil):
			c.addf(at+".when", "the last rule has no condition, and every other has one")
		case fd.When != nil:
			r.When = fd.When.build(c, at+".when", ins, 0)
		}
		ins.Decision = append(ins.Decision, r)
	}
}
