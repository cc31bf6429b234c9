package optimise

import (
	"math"
	"time"
)

// Sky is how a day is lit.
type Sky int

// Beyond the polar circles there are days without a sunrise or a sunset.
const (
	SunRises    Sky = iota
	NeverDark       // the sun stays up all day
	NeverBright     // it stays down
)

// zenith of the sun's middle when its upper edge touches the horizon: 90° and
// 50′ for refraction and the half of its disc.
const zenith = 90.833

// Sun is when the sun rises and sets at a place on a date, in UTC, to about a
// minute between the polar circles and to some minutes beyond, over a flat
// horizon. By the equations of NOAA's Global Monitoring Laboratory (Solar
// Calculation Details), after Meeus, Astronomical Algorithms, 2nd ed., 1998. The
// date is the place's own: its noon is the sun's highest near 12 o'clock of local
// mean time.
func Sun(at Place, year int, month time.Month, day int) (rise, set time.Time, sky Sky) {
	midnight := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	noon := 720 - 4*at.Lon // minutes of the day, mean sun
	rise, sky = event(at, midnight, noon, -1)
	if sky != SunRises {
		return time.Time{}, time.Time{}, sky
	}
	set, sky = event(at, midnight, noon, 1)
	if sky != SunRises {
		return time.Time{}, time.Time{}, sky
	}
	return rise, set, SunRises
}

// event finds a sunrise (side -1) or sunset (1), with the sun as it stands at the
// event itself: three rounds from noon on bring it to the second.
func event(at Place, midnight time.Time, noon, side float64) (time.Time, Sky) {
	minutes := noon
	for range 3 {
		days := float64(midnight.Unix())/86400 + 2440587.5 + minutes/1440 // Julian
		declination, equation := sunAt((days - 2451545) / 36525)
		lat := radians(at.Lat)
		c := math.Cos(radians(zenith))/(math.Cos(lat)*math.Cos(declination)) - math.Tan(lat)*math.Tan(declination)
		switch {
		case c < -1:
			return time.Time{}, NeverDark
		case c > 1:
			return time.Time{}, NeverBright
		}
		minutes = noon - equation + side*4*degrees(math.Acos(c))
	}
	return midnight.Add(time.Duration(math.Round(minutes*60)) * time.Second), SunRises
}

// sunAt is the sun's declination in radians and the equation of time in minutes,
// t Julian centuries after 2000.
func sunAt(t float64) (declination, equation float64) {
	mean := math.Mod(280.46646+t*(36000.76983+0.0003032*t), 360)
	anomaly := radians(357.52911 + t*(35999.05029-0.0001537*t))
	eccentricity := 0.016708634 - t*(0.000042037+0.0000001267*t)
	centre := (1.914602-t*(0.004817+0.000014*t))*math.Sin(anomaly) + (0.019993-0.000101*t)*math.Sin(2*anomaly) + 0.000289*math.Sin(3*anomaly)
	node := radians(125.04 - 1934.136*t)
	longitude := radians(mean + centre - 0.00569 - 0.00478*math.Sin(node))
	obliquity := radians(23 + (26+(21.448-t*(46.815+t*(0.00059-0.001813*t)))/60)/60 + 0.00256*math.Cos(node))
	declination = math.Asin(math.Sin(obliquity) * math.Sin(longitude))
	y := math.Tan(obliquity/2) * math.Tan(obliquity/2)
	l := radians(mean)
	equation = 4 * degrees(y*math.Sin(2*l)-2*eccentricity*math.Sin(anomaly)+4*eccentricity*y*math.Sin(anomaly)*math.Cos(2*l)-
		y*y/2*math.Sin(4*l)-5*eccentricity*eccentricity/4*math.Sin(2*anomaly))
	return declination, equation
}

func radians(d float64) float64 { return d * math.Pi / 180 }
func degrees(r float64) float64 { return r * 180 / math.Pi }

// DarkAt is when it is dark at a place, for Problem.Dark: from the midnight that is
// the problem's origin, in the agency's zone, for so many days. Dusk counts from
// sunset, so dark is on the safe side.
func DarkAt(at Place, origin time.Time, days int) []Window {
	end := days * DayMinutes
	light := []Window{}
	for d := -1; d <= days; d++ {
		y, m, day := origin.AddDate(0, 0, d).Date()
		rise, set, sky := Sun(at, y, m, day)
		switch sky {
		case NeverDark:
			light = append(light, Window{d * DayMinutes, (d + 1) * DayMinutes})
		case SunRises:
			light = append(light, Window{
				int(math.Ceil(rise.Sub(origin).Minutes())), int(math.Floor(set.Sub(origin).Minutes())),
			})
		}
	}
	return subtract([]Window{{0, end}}, merge(light))
}
