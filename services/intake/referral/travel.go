package referral

// TravelPoint is where to plan travel to, or why there is none.
type TravelPoint struct {
	Point  Point
	Known  bool
	Source string // postal_area, withheld, unknown
}

// DecideTravelPoint gives the middle of the postal area a household lives in. One
// confidential address in the household withholds it: a place on a map, a route
// or an hour's drive would tell where they are.
func DecideTravelPoint(members []*Person, a *Agency) TravelPoint {
	for _, p := range members {
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
// the confidential ones when they hold no grant by name.
func (p *Person) VisibleAddresses(granted bool) (shown []Address, withheld int) {
	for _, a := range p.Addresses {
		if a.Confidential && !granted {
			withheld++
			continue
		}
		shown = append(shown, a)
	}
	return shown, withheld
}
