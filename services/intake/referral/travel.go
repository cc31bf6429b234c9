package referral

import (
	"slices"
	"strings"
	"unicode"
)

// TravelPoint is where to plan travel to, or why there is none.
type TravelPoint struct {
	Point  Point
	Known  bool
	Source string // postal_area, withheld, unknown
}

// DecideTravelPoint gives the middle of the postal area a household lives in. One
// confidential address in the household withholds it, and one of any other record of
// who lives there (persons are the members and these): a place on a map, a route or an
// hour's drive would tell where they are.
func DecideTravelPoint(members, persons []*Person, a *Agency) TravelPoint {
	for _, p := range persons {
		for _, address := range p.Addresses {
			if address.Confidential {
				return TravelPoint{Source: "withheld"}
			}
		}
	}
	for _, p := range members {
		for _, address := range p.Addresses {
			if point, ok := a.Area(address.Country, address.PostalCode); ok {
				return TravelPoint{Point: point, Known: true, Source: "postal_area"}
			}
		}
	}
	return TravelPoint{Source: "unknown"}
}

// VisibleAddresses are what a viewer may see of a person's addresses: all, or without
// the confidential ones for which they hold no grant by name. around are the persons of
// the same households: what is confidential of one of them is so of all who live
// there, and in whatever letters it is written.
func (p *Person) VisibleAddresses(granted func(Address) bool, around []*Person) (shown []Address, withheld int) {
	hidden := map[string]bool{}
	for _, x := range append(slices.Clone(around), p) {
		for _, a := range x.Addresses {
			if a.Confidential {
				hidden[a.place()] = true
			}
		}
	}
	for _, a := range p.Addresses {
		if (a.Confidential || hidden[a.place()]) && !granted(a) {
			withheld++
			continue
		}
		shown = append(shown, a)
	}
	return shown, withheld
}

// SamePlace says whether two addresses are one place, however each is written.
func (a Address) SamePlace(b Address) bool { return a.place() == b.place() }

// place is the same for two ways of writing an address: letters and digits of its
// lines, without case, spaces and punctuation. Towns and codes are left out, since
// one may have them and the other not.
func (a Address) place() string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, strings.Join(a.Lines, ""))
}
