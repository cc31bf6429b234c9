package visitscheduling

import (
	"context"
	"errors"
	"log/slog"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// stand lays a settled schedule out, and gives it as it then stands, in the words
// of the search too. The schedule's own rules allow a little that the search has no
// words for, such as a break between the way to a family and the visit there. One
// visit that cannot stand must not keep all others from being asked about: it
// becomes a booking, and a booking takes its time from its workers and no more.
func (o Optimiser) stand(ctx context.Context, s schedule.Standing, lay func(t *translation, given optimise.Solution) error) (schedule.Standing, *translation, error) {
	for {
		t := newTranslation(s.Problem)
		err := lay(t, t.whole(s.Plan))
		var found optimise.Conflicts
		if !errors.As(err, &found) {
			return s, t, err
		}
		var against []schedule.VisitID
		for _, c := range found {
			id := visitOf(c.Visit)
			against = append(against, id)
			if o.Log != nil {
				o.Log.LogAttrs(ctx, slog.LevelWarn, "a visit cannot be laid out where it is: its time is taken for busy",
					slog.String("visit_id", string(id)), slog.String("rule", string(c.Rule)))
			}
		}
		less, changed := s.LeaveOut(against)
		if !changed {
			return s, t, err
		}
		s = less.Settle()
	}
}

// layable says whether all of a schedule can stand, and no more.
func layable(t *translation, given optimise.Solution) error {
	return optimise.Stands(t.problem, given)
}
