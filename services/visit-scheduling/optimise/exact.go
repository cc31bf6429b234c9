package optimise

import "math"

// The standard library's sines may differ in the last bit between processors:
// some fuse a product and a sum. One bit can turn a minute over, and a plan with
// it. So these are written out, every product rounded by a conversion before it is
// added: a conversion is all that keeps a compiler from fusing. Square roots are exact
// by IEEE 754.

type vector struct{ x, y, z float64 }

// unit is the place as a unit vector.
func (p Place) unit() vector {
	lat, lon := float64(p.Lat/180*math.Pi), float64(p.Lon/180*math.Pi)
	c := cosine(lat)
	return vector{c * cosine(lon), c * sine(lon), sine(lat)}
}

func (a vector) times(b vector) float64 {
	return float64(a.x*b.x) + float64(a.y*b.y) + float64(a.z*b.z)
}

// roadKm is the great-circle distance times the detour.
func (a vector) roadKm(b vector) float64 {
	dx, dy, dz := a.x-b.x, a.y-b.y, a.z-b.z
	chord := math.Sqrt(float64(dx*dx) + float64(dy*dy) + float64(dz*dz))
	return detour * earthKm * 2 * arcsine(math.Min(1, chord/2))
}

// sine is the sine of x in [-π, π], by its series after x is brought into
// [-π/2, π/2].
func sine(x float64) float64 {
	if x > math.Pi/2 {
		x = math.Pi - x
	} else if x < -math.Pi/2 {
		x = -math.Pi - x
	}
	term, sum := x, x
	square := x * x
	for k := 2.0; k < 26; k += 2 {
		term = float64(-term*square) / float64(k*(k+1))
		sum += term
	}
	return sum
}

// cosine is the cosine of x in [-π, π].
func cosine(x float64) float64 { return sine(math.Pi/2 - math.Abs(x)) }

// arcsine is the arc sine of x in [0, 1], by its series up to a half and the half
// angle above.
func arcsine(x float64) float64 {
	if x > 0.5 {
		half := 2 * arcsine(math.Sqrt((1-x)/2))
		return math.Pi/2 - half
	}
	square := x * x
	term, sum := x, x
	for k := 1.0; term > 1e-18; k += 2 {
		term = float64(term*square) * k / (k + 1)
		sum += term / (k + 2)
	}
	return sum
}
