package optimise

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// mostLists are kept for demands equal to earlier ones.
const mostLists = 100_000

// ableFor lists the workers who can take part k of a visit, in order: skills and
// their levels, languages, attributes, exclusions; of a single worker also, if the
// family wants it so, that they are known. Lists of equal demands are one list.
func (c *plan) ableFor(v *Visit, k, series int32, known bool) crew {
	role := Role{}
	if len(v.Roles) > 0 {
		role = v.Roles[k]
	}
	known = known && len(v.Roles) < 2 && series >= 0 && c.series[series].knownFirst
	key := demand(role, v.Excluded)
	if known {
		key += fmt.Sprintf(" known to %d", series)
	}
	if found, ok := c.able[key]; ok {
		return found
	}
	out := crew{in: make([]uint64, len(c.p.Workers)/64+1)}
	for i := range c.p.Workers {
		w := &c.p.Workers[i]
		if slices.Contains(v.Excluded, w.ID) || !w.meets(&role) || (known && !c.series[series].knows(int32(i))) {
			continue
		}
		out.add(int32(i))
	}
	if len(c.able) >= mostLists {
		clear(c.able) // a board that is asked for long
	}
	c.able[key] = out
	return out
}

// crew are some workers, in order, and as bits by number.
type crew struct {
	list []int32
	in   []uint64
}

// alone is one worker.
func (c *plan) alone(w int32) crew {
	out := crew{in: make([]uint64, len(c.workers)/64+1)}
	out.add(w)
	return out
}

func (c *crew) add(w int32) {
	c.list = append(c.list, w)
	c.in[w>>6] |= 1 << (w & 63)
}

func (c crew) has(w int32) bool { return c.in[w>>6]>>(w&63)&1 > 0 }

// first are those with numbers below n.
func (c *crew) first(n int32) crew {
	k, _ := slices.BinarySearch(c.list, n)
	out := crew{c.list[:k:k], slices.Clone(c.in)}
	out.in[n>>6] &= 1<<(n&63) - 1
	clear(out.in[n>>6+1:])
	return out
}

// demand writes a role and exclusions as one word; equal words are equal demands.
func demand(r Role, excluded []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q %q", r.Skills, r.Languages, r.Attributes, excluded)
	levels := make([]string, 0, len(r.Levels))
	for s, n := range r.Levels {
		levels = append(levels, fmt.Sprintf(" %q≥%d", s, n))
	}
	sort.Strings(levels)
	for _, l := range levels {
		b.WriteString(l)
	}
	return b.String()
}

// meets says whether the worker can take a role.
func (w *Worker) meets(r *Role) bool {
	for s, least := range r.Levels {
		if w.level(s) < least {
			return false
		}
	}
	return within(r.Skills, w.Skills) && within(r.Languages, w.Languages) && within(r.Attributes, w.Attributes)
}

// level is how well a worker has a skill: 0 not at all, 1 when nothing is said.
func (w *Worker) level(skill string) int {
	if !slices.Contains(w.Skills, skill) {
		return 0
	}
	if l, ok := w.Levels[skill]; ok {
		return l
	}
	return 1
}

func within(need, have []string) bool {
	for _, n := range need {
		if !slices.Contains(have, n) {
			return false
		}
	}
	return true
}

// assign is what sending a worker costs, by terms: not preferred, wishes not met,
// not the one published.
func (v *pVisit) assign(w int32) (preference, wishes, stability int64) {
	if v.stranger > 0 && !slices.Contains(v.preferred, w) {
		preference = int64(v.stranger)
	}
	for _, x := range v.wishes {
		if !x.has[w] {
			wishes += int64(x.points)
		}
	}
	if v.changed > 0 && !slices.Contains(v.published, w) {
		stability = int64(v.changed)
	}
	return preference, wishes, stability
}
