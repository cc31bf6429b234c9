package instruments

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	codePattern    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	versionPattern = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$`)
)

// maxDepth bounds how deep conditions nest.
const maxDepth = 8

// check collects what is wrong with a file.
type check struct{ faults []error }

func (c *check) addf(at, format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

func (c *check) err() error { return errors.Join(c.faults...) }

func (c *check) code(at, s string) string {
	if !codePattern.MatchString(s) {
		c.addf(at, "%q is not a code: lower-case letters, digits and underscores", s)
	}
	return s
}

func (c *check) version(s string) string {
	if !versionPattern.MatchString(s) {
		c.addf("version", "%q is not a version like 1.0.0", s)
	}
	return s
}

func (c *check) text(at, s string) string {
	if strings.TrimSpace(s) == "" {
		c.addf(at, "it must not be empty")
	}
	return s
}

func (c *check) domain(at, s string) Domain {
	if !slices.Contains(domains, Domain(s)) {
		c.addf(at, "%q is none of %v", s, domains)
	}
	return Domain(s)
}

// build checks a condition against the items read so far.
func (f *fileCondition) build(c *check, at string, ins *Instrument, depth int) *Condition {
	out := &Condition{}
	if depth > maxDepth {
		c.addf(at, "conditions nest at most %d deep", maxDepth)
		return out
	}
	forms := 0
	if f.Item != "" || f.In != nil {
		forms++
		out.Item, out.In = f.Item, f.In
	}
	if f.All != nil {
		forms++
		out.All = buildConditions(c, at+".all", f.All, ins, depth)
	}
	if f.Any != nil {
		forms++
		out.Any = buildConditions(c, at+".any", f.Any, ins, depth)
	}
	if f.Not != nil {
		forms++
		out.Not = f.Not.build(c, at+".not", ins, depth+1)
	}
	if f.Count != nil {
		forms++
		out.Count = &Count{Items: f.Count.Items, In: f.Count.In, AtLeast: f.Count.AtLeast}
		if f.Count.AtLeast < 1 || f.Count.AtLeast > len(f.Count.Items) {
			c.addf(at+".count.at_least", "%d is outside 1 to the number of items", f.Count.AtLeast)
		}
	}
	if forms != 1 {
		c.addf(at, "a condition is exactly one of item with in, all, any, not, count")
		return out
	}
	if out.All == nil && out.Any == nil && out.Not == nil {
		out.items(func(item string, in []string) { checkLeaf(c, at, ins, item, in) })
	}
	return out
}

func buildConditions(c *check, at string, in []fileCondition, ins *Instrument, depth int) []Condition {
	if len(in) == 0 {
		c.addf(at, "it must name at least one condition")
	}
	out := make([]Condition, len(in))
	for i := range in {
		out[i] = *in[i].build(c, fmt.Sprintf("%s[%d]", at, i), ins, depth+1)
	}
	return out
}

func checkLeaf(c *check, at string, ins *Instrument, item string, in []string) {
	it, ok := ins.Item(item)
	if !ok {
		c.addf(at, "there is no item %q before this place", item)
		return
	}
	if len(in) == 0 {
		c.addf(at+".in", "it must name at least one option")
	}
	for _, o := range in {
		if _, ok := it.Option(o); !ok {
			c.addf(at+".in", "item %q has no option %q", item, o)
		}
	}
}
