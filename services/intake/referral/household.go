package referral

// RelatedPersons are two persons and how the first stands to the second.
type RelatedPersons struct {
	From, To PersonID
	Type     string
}

// Related are the relationships that referrals not withdrawn tell of, each once.
func Related(referrals []*Referral) []RelatedPersons {
	var all []RelatedPersons
	seen := map[RelatedPersons]bool{}
	for _, rf := range referrals {
		if !rf.WithdrawnAt.IsZero() {
			continue
		}
		for _, r := range rf.Content.Relationships {
			from, to := rf.person(r.From), rf.person(r.To)
			if from == nil || to == nil {
				continue
			}
			related := RelatedPersons{From: from.Person, To: to.Person, Type: r.Type}
			if !seen[related] {
				seen[related] = true
				all = append(all, related)
			}
		}
	}
	return all
}
