package instruments

import (
	"fmt"
	"math/big"
)

// Hundredths is a score in hundredths of a point. Scores are kept as whole
// numbers so that a recomputed score is the same score, bit for bit.
type Hundredths int64

// Ratio is points divided by count, rounded half up to a hundredth. Points are
// not negative and count is positive.
func Ratio(points, count int) Hundredths {
	return Hundredths((200*int64(points) + int64(count)) / (2 * int64(count)))
}

// String writes the score with two decimals.
func (h Hundredths) String() string { return fmt.Sprintf("%d.%02d", h/100, h%100) }

// MarshalJSON writes a JSON number.
func (h Hundredths) MarshalJSON() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalJSON reads a JSON number of at most two decimals, in any of the ways
// JSON (and PostgreSQL's jsonb) writes it.
func (h *Hundredths) UnmarshalJSON(b []byte) error {
	v, err := parseHundredths(string(b))
	if err != nil {
		return err
	}
	*h = v
	return nil
}

// maxScore keeps every sum far from overflow.
const maxScore = 1_000_000

func parseHundredths(s string) (Hundredths, error) {
	if len(s) > 20 {
		return 0, fmt.Errorf("%q is not a score: too long", s[:20])
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	if r.Sign() < 0 || r.Cmp(big.NewRat(maxScore, 1)) > 0 {
		return 0, fmt.Errorf("%s is outside 0 to %d", s, maxScore)
	}
	r.Mul(r, big.NewRat(100, 1))
	if !r.IsInt() {
		return 0, fmt.Errorf("%s has more than two decimals", s)
	}
	return Hundredths(r.Num().Int64()), nil
}
