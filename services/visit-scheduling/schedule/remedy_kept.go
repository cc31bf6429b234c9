package schedule

import "slices"

// Kept are visits left out for which nothing was found now, with what was found for
// them before as far as it holds still; before are the visits as they were. One that
// nobody came to look at keeps its reasons even when no remedy is left. s is the
// schedule that leaves them out.
func (s Standing) Kept(left []Leftover, before map[VisitID]Visit) []Leftover {
	left = slices.Clone(left)
	var remedies *Remedies
	for i, u := range left {
		had := before[u.Visit]
		if !u.Wanting() || had.LookedAt.IsZero() {
			continue
		}
		if remedies == nil {
			r := RemediesIn(s.Settle())
			remedies = &r
		}
		held := slices.DeleteFunc(slices.Clone(had.Remedies), func(r Remedy) bool { return !remedies.hold(u.Visit, r) })
		if u.LookedAt.IsZero() || len(held) > 0 {
			left[i].Reasons, left[i].Remedies = had.Reasons, held
		}
		if u.LookedAt.IsZero() {
			left[i].LookedAt = had.LookedAt
		}
	}
	return left
}

// hold says whether a remedy found earlier would still give a visit its place.
func (r Remedies) hold(v VisitID, old Remedy) bool {
	d, known := r.demands[v]
	if !known || old.Place.StartsAt.Before(r.standing.Problem.Now) {
		return false
	}
	if old.relaxes(RuleDoubleBooked) {
		return r.standing.Proves(d, old)
	}
	return r.around(d, old.Place.Workers).Proves(d, old)
}
