package optimise

import (
	"cmp"
	"slices"
)

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// earliest is the first start from t on that some window allows, or false.
func (v *pVisit) earliest(t int32) (int32, bool) { return earliestOf(v.windows, t, v.minutes) }

func earliestOf(windows []Window, t, minutes int32) (int32, bool) {
	for _, w := range windows {
		if s := max(t, int32(w.From)); s+minutes <= int32(w.To) {
			return s, true
		}
	}
	return 0, false
}

// latest is the last start up to t that some window allows, or false.
func (v *pVisit) latest(t int32) (int32, bool) {
	best, ok := int32(0), false
	for _, w := range v.windows {
		if s := min(t, int32(w.To)-v.minutes); s >= int32(w.From) && (!ok || s > best) {
			best, ok = s, true
		}
	}
	return best, ok
}

// merge joins overlapping and touching windows, in order.
func merge(in []Window) []Window {
	s := slices.Clone(in)
	slices.SortFunc(s, func(a, b Window) int { return cmp.Compare(a.From, b.From) })
	var out []Window
	for _, w := range s {
		if k := len(out) - 1; k >= 0 && w.From <= out[k].To {
			out[k].To = max(out[k].To, w.To)
		} else {
			out = append(out, w)
		}
	}
	return out
}

// subtract cuts the holes out of the spans; both merged.
func subtract(spans, holes []Window) []Window {
	var out []Window
	for _, s := range spans {
		for _, h := range holes {
			if h.To <= s.From || h.From >= s.To {
				continue
			}
			if h.From > s.From {
				out = append(out, Window{s.From, h.From})
			}
			s.From = min(h.To, s.To)
		}
		if s.From < s.To {
			out = append(out, s)
		}
	}
	return out
}
