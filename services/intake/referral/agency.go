package referral

import "github.com/hearthfps/hearth/pkg/clock"

// Agency is what intake must know of the agency it decides for.
type Agency struct {
	Country   string // ISO 3166-1 alpha-2
	Calendar  *clock.Calendar
	Languages []string // the first is the one used when a person's is not known
	// Areas are the middles of postal areas, by postal code or its beginning.
	Areas map[string]Point
	// Programs are the versions of the programs a case may enter, by code.
	Programs map[string]string
}

// Point is a place on the earth, and how far from it the true one may lie.
type Point struct {
	Lat, Lon   float64
	PrecisionM int
}
