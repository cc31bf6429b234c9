package optimise

import "slices"

// placesAhead is how many places are made room for at once.
const placesAhead = 64

// widen makes room for more places nobody is at yet.
func (c *plan) widen(more int) {
	n := c.places
	c.all = append(slices.Clip(c.all), make([]Place, more)...)
	if c.units != nil {
		c.units = append(slices.Clip(c.units), make([]vector, more)...)
	}
	for mode, narrow := range c.minutes {
		if narrow == nil {
			continue
		}
		wide := make([]uint16, (n+more)*(n+more))
		for i := range n {
			copy(wide[i*(n+more):], narrow[i*n:(i+1)*n])
		}
		c.minutes[mode] = wide
	}
	c.places = n + more
}

// newPlace is the number of one more place.
func (b *Board) newPlace(c *plan) int32 {
	if b.used == c.places {
		c.widen(placesAhead)
	}
	if n := len(c.modes) * c.places; len(b.asked) < n {
		b.asked = make([]int32, n)
	}
	b.used++
	return int32(b.used - 1)
}

// placeOf is the number of a place, with the travel to and from all others if it
// is new; -1 is remote.
func (b *Board) placeOf(at *Place) int32 {
	if at == nil {
		return -1
	}
	c := b.f.plan
	if i, known := c.placeNo[*at]; known {
		return i
	}
	k := b.newPlace(c)
	c.placeNo[*at] = k
	c.all[k] = *at
	unit := at.unit()
	if c.units != nil {
		c.units[k] = unit
	}
	for mode, minutes := range c.minutes {
		if minutes == nil {
			continue // worked out when asked for
		}
		for i := range b.used {
			if int32(i) != b.spare {
				there, back := c.reach(c.modes[mode], b.speeds[mode], *at, unit, i)
				minutes[int(k)*c.places+i], minutes[i*c.places+int(k)] = there, back
			}
		}
	}
	return k
}
