package api

import (
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// feedDays is how long an address is good for when nobody says.
const feedDays = 365

// feedOwner lets the asker make, see and revoke the addresses of a calendar, and
// keeps that they did: a worker's those who may read it, a team's who schedules.
func (a Access) feedOwner(ctx context.Context, tx *kit.Tx, kind schedule.FeedKind, subject string) error {
	if kind == schedule.OfTeam {
		return a.Engine.CheckRead(ctx, tx, policy.Schedule, policy.Resource{Type: "visit"})
	}
	return a.Engine.CheckRead(ctx, tx, policy.Write, policy.Resource{Type: "worker", ID: subject})
}

// ListWorkerFeeds answers the addresses of a worker's calendar.
func (s Server) ListWorkerFeeds(ctx context.Context, r ListWorkerFeedsRequestObject) (ListWorkerFeedsResponseObject, error) {
	feeds, err := s.feeds(ctx, schedule.OfWorker, string(r.WorkerId))
	return ListWorkerFeeds200JSONResponse{feeds}, err
}

// ListTeamFeeds answers the addresses of a team's calendar.
func (s Server) ListTeamFeeds(ctx context.Context, r ListTeamFeedsRequestObject) (ListTeamFeedsResponseObject, error) {
	feeds, err := s.feeds(ctx, schedule.OfTeam, string(r.Team))
	return ListTeamFeeds200JSONResponse{feeds}, err
}

func (s Server) feeds(ctx context.Context, kind schedule.FeedKind, subject string) (answer CalendarFeedsJSONResponse, err error) {
	err = s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if err := s.Access.feedOwner(ctx, tx, kind, subject); err != nil {
			return err
		}
		feeds, err := s.Desk.Store.Feeds(ctx, tx, kind, subject, tx.Now())
		answer.Items = each(feeds, viewFeed)
		return err
	})
	return answer, err
}

func viewFeed(f schedule.Feed) CalendarFeed {
	return CalendarFeed{FeedId: ID(f.ID), MadeBy: f.By, MadeAt: f.MadeAt, ExpiresAt: f.Expires, ReadAt: orNil(f.ReadAt)}
}

// AddWorkerFeed makes an address for a worker's calendar.
func (s Server) AddWorkerFeed(ctx context.Context, r AddWorkerFeedRequestObject) (AddWorkerFeedResponseObject, error) {
	made, err := s.addFeed(ctx, schedule.OfWorker, string(r.WorkerId), r.Body.Days)
	return AddWorkerFeed201JSONResponse{made}, err
}

// AddTeamFeed makes an address for a team's calendar.
func (s Server) AddTeamFeed(ctx context.Context, r AddTeamFeedRequestObject) (AddTeamFeedResponseObject, error) {
	made, err := s.addFeed(ctx, schedule.OfTeam, string(r.Team), r.Body.Days)
	return AddTeamFeed201JSONResponse{made}, err
}

// addFeed keeps its answer for a repeat of the request without the secret, which is
// not stored anywhere: the first answer alone has the address.
func (s Server) addFeed(ctx context.Context, kind schedule.FeedKind, subject string, days *int) (CalendarFeedMadeJSONResponse, error) {
	var path string
	var made schedule.FeedID
	answer, err := httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (kept CalendarFeedMadeJSONResponse, err error) {
		if err := s.Access.feedOwner(ctx, tx, kind, subject); err != nil {
			return kept, err
		}
		p, _ := auth.From(ctx)
		f, secret, err := s.Desk.AddFeed(ctx, tx, kind, subject, p.Actor(), valueOr(days, feedDays))
		made, path = f.ID, "/visits/v1/calendar-feeds/"+tx.Agency().String()+"/"+string(f.ID)+"/"+secret+".ics"
		kept.Feed = viewFeed(f)
		return kept, err
	})
	if err == nil && answer.Feed.FeedId == ID(made) {
		answer.Path = &path
	}
	return answer, err
}

// RemoveWorkerFeed revokes an address of a worker's calendar.
func (s Server) RemoveWorkerFeed(ctx context.Context, r RemoveWorkerFeedRequestObject) (RemoveWorkerFeedResponseObject, error) {
	return RemoveWorkerFeed204Response{}, s.removeFeed(ctx, schedule.OfWorker, string(r.WorkerId), r.FeedId)
}

// RemoveTeamFeed revokes an address of a team's calendar.
func (s Server) RemoveTeamFeed(ctx context.Context, r RemoveTeamFeedRequestObject) (RemoveTeamFeedResponseObject, error) {
	return RemoveTeamFeed204Response{}, s.removeFeed(ctx, schedule.OfTeam, string(r.Team), r.FeedId)
}

func (s Server) removeFeed(ctx context.Context, kind schedule.FeedKind, subject string, id FeedID) error {
	return s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if err := s.Access.feedOwner(ctx, tx, kind, subject); err != nil {
			return err
		}
		return s.Desk.Store.RemoveFeed(ctx, tx, kind, subject, schedule.FeedID(id))
	})
}

// ReadCalendarFeed answers the calendar an address opens; see schedule.Feed for what
// is done about whoever should not have it.
func (s Server) ReadCalendarFeed(ctx context.Context, r ReadCalendarFeedRequestObject) (ReadCalendarFeedResponseObject, error) {
	if wait := s.Feeds.take(r.Agency + "/" + r.FeedId); wait > 0 {
		return nil, fault.New(fault.RateLimited, "rate_limited", "The calendar is read too often. Wait as long as Retry-After says.").After(wait)
	}
	agency, err := tenant.Parse(r.Agency)
	if err != nil {
		return nil, fault.Missing("calendar_feed")
	}
	var text string
	err = s.Desk.DB.InTenant(tenant.With(ctx, agency), func(ctx context.Context, tx *kit.Tx) error {
		now := tx.Now()
		span := schedule.Span{From: now.Add(-calendarPast), To: now.AddDate(0, 6, 0)}
		f, visits, err := s.Desk.OpenFeed(ctx, tx, schedule.FeedID(r.FeedId), r.Secret, span, teamMost)
		if err != nil {
			return err
		}
		title := func(schedule.Visit) string { return neutral }
		if f.Kind == schedule.OfTeam {
			team, err := s.Desk.Store.TeamOf(ctx, tx, f.Subject, now)
			if err != nil {
				return fault.Missing("calendar_feed") // the team is no more
			}
			title = titledByTeam(team)
		}
		text = calendar(visits, now, f.EntryID, title)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return feedAnswer(text), nil
}

// feedAnswer is a calendar that nothing keeps, indexes or passes the address of on.
type feedAnswer string

// VisitReadCalendarFeedResponse writes the calendar.
func (text feedAnswer) VisitReadCalendarFeedResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "text/calendar")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "private, no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	w.WriteHeader(http.StatusOK)
	_, err := io.Copy(w, strings.NewReader(string(text)))
	return err
}

const (
	// A feed is read every ten seconds in the long run, 30 times at once after a pause;
	// calendar programs come every few minutes.
	feedEvery, feedBurst = 10 * time.Second, 30
	// All feeds of a process together, right or wrong: 50 a second, 500 at once.
	allEvery, allBurst = 20 * time.Millisecond, 500
	// feedsKnown bounds the memory of who came when.
	feedsKnown = 10_000
)

// FeedLimit bounds how often feeds are read, which no token tells apart: each by its
// id, before it is known whether there is one, and all together (generic cell rate
// algorithm, ITU-T I.371). Each process counts for itself. Nil bounds nothing.
type FeedLimit struct {
	clock clock.Clock

	mu  sync.Mutex
	all time.Time
	of  map[[sha256.Size]byte]time.Time // when the next reading is due, by hash of the feed's name
}

// NewFeedLimit makes a limit that counts by a clock.
func NewFeedLimit(c clock.Clock) *FeedLimit {
	return &FeedLimit{clock: c, of: map[[sha256.Size]byte]time.Time{}}
}

// take takes one reading of a feed, or says how long to wait.
func (l *FeedLimit) take(name string) time.Duration {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	key := sha256.Sum256([]byte(name))
	due, wait := next(l.of[key], now, feedEvery, feedBurst)
	if wait > 0 {
		return wait
	}
	all, wait := next(l.all, now, allEvery, allBurst)
	if wait > 0 {
		return wait
	}
	if len(l.of) >= feedsKnown {
		clear(l.of) // all together are bounded still
	}
	l.of[key], l.all = due, all
	return 0
}

// next is when the reading after this one is due, or how long this one has to wait.
func next(due, now time.Time, every time.Duration, burst int) (after time.Time, wait time.Duration) {
	if due.Before(now) {
		due = now
	}
	if after = due.Add(every); after.Sub(now) > every*time.Duration(burst) {
		return due, after.Sub(now) - every*time.Duration(burst)
	}
	return after, 0
}
