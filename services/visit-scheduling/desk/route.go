package desk

import (
	"context"

	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
)

// PlacesNow asks intake where households are now, keeping to nothing it said
// before: one that has become confidential since, or cannot be asked about, is not
// in the answer.
func (d *Desk) PlacesNow(ctx context.Context, households []string) (map[string]postgres.TravelPoint, error) {
	return d.fetchPoints(ctx, households)
}
