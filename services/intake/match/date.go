package match

import (
	"fmt"
	"strings"
)

// Date is a birth date as recorded: a year, a year and month, or a whole
// date. Unknown parts are zero. Parts are kept as written even where no
// calendar has such a day (a typed 1856-86-18), because a mistyped digit is
// evidence too.
type Date struct {
	Year, Month, Day int
}

// IsZero reports whether nothing is known.
func (d Date) IsZero() bool { return d.Year == 0 && d.Month == 0 && d.Day == 0 }

// Full reports whether year, month and day are all known.
func (d Date) Full() bool { return d.Year != 0 && d.Month != 0 && d.Day != 0 }

func (d Date) String() string {
	switch {
	case d.IsZero():
		return ""
	case d.Month == 0 && d.Day == 0:
		return fmt.Sprintf("%04d", d.Year)
	case d.Day == 0:
		return fmt.Sprintf("%04d-%02d", d.Year, d.Month)
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// ParseDate reads YYYY, YYYY-MM, YYYY-MM-DD, YYYYMMDD, and the day-first forms
// DD.MM.YYYY and DD/MM/YYYY (month first where the second part exceeds 12).
// A time after the date is ignored. Empty text is the zero date.
func ParseDate(s string) (Date, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Date{}, nil
	}
	if i := strings.IndexAny(s, "T "); i > 0 {
		s = s[:i]
	}
	parts := strings.Split(strings.NewReplacer("/", "-", ".", "-").Replace(s), "-")
	nums := make([]int, 0, 3)
	for _, p := range parts {
		n, ok := digits(p)
		if !ok {
			return Date{}, fmt.Errorf("birth date %q: want YYYY, YYYY-MM, YYYY-MM-DD, YYYYMMDD or DD.MM.YYYY", s)
		}
		nums = append(nums, n)
	}
	switch {
	case len(nums) == 1 && len(parts[0]) == 8:
		return Date{nums[0] / 10000, nums[0] / 100 % 100, nums[0] % 100}, nil
	case len(nums) == 1 && len(parts[0]) == 6:
		return Date{nums[0] / 100, nums[0] % 100, 0}, nil
	case len(nums) == 1 && len(parts[0]) == 4:
		return Date{Year: nums[0]}, nil
	case len(nums) == 2 && len(parts[0]) == 4 && nums[1] < 100:
		return Date{Year: nums[0], Month: nums[1]}, nil
	case len(nums) == 3 && len(parts[0]) == 4 && nums[1] < 100 && nums[2] < 100:
		return Date{nums[0], nums[1], nums[2]}, nil
	case len(nums) == 3 && len(parts[2]) == 4 && nums[0] < 100 && nums[1] < 100:
		if nums[1] > 12 && nums[0] <= 12 {
			return Date{nums[2], nums[0], nums[1]}, nil
		}
		return Date{nums[2], nums[1], nums[0]}, nil
	}
	return Date{}, fmt.Errorf("birth date %q: want YYYY, YYYY-MM, YYYY-MM-DD, YYYYMMDD or DD.MM.YYYY", s)
}

func digits(s string) (int, bool) {
	if s == "" || len(s) > 8 {
		return 0, false
	}
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// packed holds a date in 8 decimal digits, YYYYMMDD; 0 is no date.
func (d Date) packed() uint32 {
	if d.Year < 0 || d.Year > 9999 || d.Month < 0 || d.Month > 99 || d.Day < 0 || d.Day > 99 {
		return 0
	}
	return uint32(d.Year*10000 + d.Month*100 + d.Day)
}

func unpack(p uint32) Date {
	return Date{int(p / 10000), int(p / 100 % 100), int(p % 100)}
}

// dayNumber counts days on a proleptic Gregorian calendar; ok is false for a
// date that is partial or does not exist.
func (d Date) dayNumber() (int, bool) {
	if !d.Full() || d.Month > 12 || d.Day > 31 {
		return 0, false
	}
	y, m := d.Year, d.Month
	if m <= 2 {
		y--
		m += 12
	}
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d.Day, true
}
