package referral

import (
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
)

// Agency is what intake must know of the agency it decides for.
type Agency struct {
	Country   string // ISO 3166-1 alpha-2
	Calendar  *clock.Calendar
	Languages []string // the first is the one used when a person's is not known
	// Area gives the middle of a postal area.
	Area func(country, postalCode string) (Point, bool)
	// Program gives the version in force of a program the agency offers.
	Program func(code string, now time.Time) (version string, ok bool)
}

// Point is a place on the earth, and how far from it the true one may lie.
type Point struct {
	Lat, Lon   float64
	PrecisionM int
}
