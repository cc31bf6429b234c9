package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// AddFeed makes an address for the calendar of a worker or a team. The secret is
// known to its caller alone. NotFound when there is no such worker or team, Conflict
// (too_many_feeds) when they have as many as they may.
func (d *Desk) AddFeed(ctx context.Context, tx *kit.Tx, kind schedule.FeedKind, subject, by string, days int) (f schedule.Feed, secret string, err error) {
	switch kind {
	case schedule.OfWorker:
		_, err = d.Store.Worker(ctx, tx, schedule.WorkerID(subject), true) // locked: they are counted
	case schedule.OfTeam:
		_, err = d.Store.TeamOf(ctx, tx, subject, tx.Now())
	}
	if err != nil {
		return f, "", err
	}
	feeds, err := d.Store.Feeds(ctx, tx, kind, subject, tx.Now())
	if err != nil {
		return f, "", err
	}
	if len(feeds) >= schedule.MaxFeeds {
		return f, "", fault.New(fault.Conflict, "too_many_feeds", fmt.Sprintf("There are %d addresses already. Revoke one that nobody reads.", len(feeds)))
	}
	expires := tx.Now().Add(time.Duration(days) * 24 * time.Hour)
	f, secret, err = schedule.NewFeed(schedule.FeedID(d.NewID()), kind, subject, by, tx.Now(), expires, d.Random)
	if err != nil {
		return f, "", err
	}
	return f, secret, d.Store.AddFeed(ctx, tx, f)
}

// noFeed is what every address is answered that opens nothing.
func noFeed() error { return fault.Missing("calendar_feed") }

// OpenFeed is the feed a secret opens, and its visits in span. NotFound, always the
// same, when it opens none.
func (d *Desk) OpenFeed(ctx context.Context, tx *kit.Tx, id schedule.FeedID, secret string, span schedule.Span, most int) (schedule.Feed, []schedule.Visit, error) {
	f, err := d.Store.Feed(ctx, tx, id)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return f, nil, err
	}
	if !f.Opens(secret, tx.Now()) {
		return schedule.Feed{}, nil, noFeed()
	}
	page := postgres.VisitPage{Day: span, Limit: most, Seen: "true"} // whoever has the address may know of these times
	if f.Kind == schedule.OfWorker {
		page.Worker = schedule.WorkerID(f.Subject)
	} else {
		page.Team = f.Subject
	}
	visits, err := d.Store.VisitList(ctx, tx, page)
	if err != nil {
		return f, nil, err
	}
	return f, visits, d.Store.FeedRead(ctx, tx, f.ID, tx.Now())
}
