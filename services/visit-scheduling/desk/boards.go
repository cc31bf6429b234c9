package desk

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// boards are the next days of each agency as they stand, laid out in memory so
// that an urgent visit is answered at once. A board knows what it was laid out
// from (Store.ChangedSince), and is amended by the visits that have changed since.
// When it cannot be it is laid out anew in the background and still answers: what
// it answers is checked against the database before it is shown.
type boards struct {
	mu      sync.Mutex
	of      map[tenant.AgencyID]*laid
	behind  map[tenant.AgencyID]bool // to be laid out anew by KeepBoards
	keepers int                      // how many KeepBoards run
}

type laid struct {
	mu    sync.Mutex // a board answers one question at a time
	sheet *sheet     // nil is none yet
	used  time.Time
}

// sheet is one laying out.
type sheet struct {
	board    schedule.Board
	snapshot string
	span     schedule.Span
	at       time.Time
}

const (
	// boardAge is how long a board is used: what is about to begin must not move.
	boardAge = 10 * time.Minute
	// boardIdle is how long a board nobody asks is kept.
	boardIdle = 30 * time.Minute
	// boardDays is how many days a board holds: any 24 hours from now lie in two.
	boardDays = 2
	// wakeBoards is the signal that a board is behind.
	wakeBoards = "boards"
)

// kept is the agency's board, and drops those that nobody asks any more.
func (b *boards) kept(agency tenant.AgencyID, now time.Time) *laid {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == nil {
		b.of, b.behind = map[tenant.AgencyID]*laid{}, map[tenant.AgencyID]bool{}
	}
	maps.DeleteFunc(b.of, func(id tenant.AgencyID, l *laid) bool { return id != agency && now.Sub(l.used) > boardIdle })
	l := b.of[agency]
	if l == nil {
		l = &laid{}
		b.of[agency] = l
	}
	l.used = now
	return l
}

// putOff leaves the laying out of an agency's board to KeepBoards; false when
// nobody does that.
func (b *boards) putOff(agency tenant.AgencyID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keepers == 0 {
		return false
	}
	b.behind[agency] = true
	return true
}

// next takes an agency whose board is to be laid out anew.
func (b *boards) next() (tenant.AgencyID, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for agency := range b.behind {
		delete(b.behind, agency)
		return agency, true
	}
	return tenant.AgencyID{}, false
}

func (b *boards) keeper(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keepers += n
}

// KeepBoards lays boards out anew that are behind, until ctx ends.
func (d *Desk) KeepBoards(ctx context.Context) error {
	d.boards.keeper(1)
	defer d.boards.keeper(-1)
	for {
		for agency, behind := d.boards.next(); behind && ctx.Err() == nil; agency, behind = d.boards.next() {
			if _, err := d.layOut(tenant.With(ctx, agency)); err != nil && ctx.Err() == nil {
				d.Log.LogAttrs(ctx, slog.LevelWarn, "lay out the next days", slog.Any("agency", agency), slog.Any("error", err))
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.DB.Signals(wakeBoards):
		}
	}
}

// days is what a board laid out now holds.
func (d *Desk) days(cal *clock.Calendar, now time.Time) schedule.Span {
	today := cal.Today(now)
	return schedule.Span{From: today.Start(cal.Zone()), To: today.AddDays(boardDays).Start(cal.Zone())}
}

// mostAmended is how many visits may have changed for a board to be amended; with
// more it is laid out anew.
const mostAmended = 100

// usable is the agency's sheet as far as it may still be asked, and whether it is
// up to date: it is amended by the visits that have changed.
func (d *Desk) usable(ctx context.Context, tx *kit.Tx, cal *clock.Calendar) (s *sheet, upToDate bool, err error) {
	now := d.Clock.Now()
	l := d.boards.kept(tx.Agency(), now)
	for {
		l.mu.Lock()
		s = l.sheet
		since := ""
		if s != nil {
			since = s.snapshot
		}
		l.mu.Unlock()
		if s == nil || now.Sub(s.at) >= boardAge || s.span != d.days(cal, now) {
			return nil, false, nil
		}
		changed, more, err := d.Store.ChangedSince(ctx, tx, since, s.span, mostAmended)
		if err != nil || more || len(changed) == 0 {
			return s, err == nil && !more, err
		}
		amended, again, err := d.amend(ctx, tx, cal, l, s, since)
		if err != nil || !again {
			return s, amended, err
		}
	}
}

// amend brings a sheet up to date by the visits that have changed since a snapshot;
// false when it has to be laid out anew, again when somebody else amended it meanwhile.
func (d *Desk) amend(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, l *laid, s *sheet, since string) (amended, again bool, err error) {
	// What is committed from here on may be read below, and is then amended twice.
	snapshot, err := d.Store.Snapshot(ctx, tx)
	if err != nil {
		return false, false, err
	}
	changed, more, err := d.Store.ChangedSince(ctx, tx, since, s.span, mostAmended)
	if err != nil || more {
		return false, false, err
	}
	gone, now, err := d.standingOf(ctx, tx, cal, s, changed)
	if err != nil {
		return false, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sheet != s || s.snapshot != since {
		return false, true, nil
	}
	if err := s.board.Amend(gone, now); err != nil {
		d.Log.LogAttrs(ctx, slog.LevelDebug, "a board cannot be amended", slog.Any("error", err))
		return false, false, nil
	}
	s.snapshot = snapshot
	return true, false, nil
}

// standingOf reads how some visits stand in the days of a sheet, and which of them
// do not.
func (d *Desk) standingOf(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, s *sheet, ids []schedule.VisitID) (gone []schedule.VisitID, now schedule.Standing, err error) {
	visits, err := d.Store.VisitsOf(ctx, tx, ids)
	if err != nil {
		return nil, now, err
	}
	want := wanted{span: s.span, notBefore: s.at.Add(d.Settings.Notice + boardAge), busy: []schedule.WorkerID{}, weeks: weeksOf(cal, s.span)}
	here := map[schedule.VisitID]bool{}
	for _, v := range visits {
		if v.Slot != nil && v.Slot.Span().Overlaps(s.span) {
			here[v.ID] = true
			want.visits = append(want.visits, v)
		}
	}
	for _, id := range ids {
		if !here[id] {
			gone = append(gone, id)
		}
	}
	if want.visits == nil {
		return gone, now, nil
	}
	read, err := d.situate(ctx, tx, cal, want)
	read.problem.Booked = nil // visits of the same families that have not changed
	return gone, read.standing(s.span), err
}

// weeksOf are the weeks a span lies in.
func weeksOf(cal *clock.Calendar, span schedule.Span) (weeks []schedule.Week) {
	for day := cal.Today(span.From); day.Start(cal.Zone()).Before(span.To); day = day.AddDays(1) {
		if week := schedule.WeekOf(day); len(weeks) == 0 || weeks[len(weeks)-1] != week {
			weeks = append(weeks, week)
		}
	}
	return weeks
}

// layOut lays the agency's next days out as they are now.
func (d *Desk) layOut(ctx context.Context) (*sheet, error) {
	agency, _ := tenant.From(ctx)
	read := &sheet{at: d.Clock.Now()}
	var standing schedule.Standing
	err := d.DB.ReadInTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		cal, err := d.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		if read.snapshot, err = d.Store.Snapshot(ctx, tx); err != nil {
			return err
		}
		read.span = d.days(cal, read.at)
		standing, err = d.standing(ctx, tx, cal, read.span, read.at.Add(d.Settings.Notice+boardAge))
		return err
	})
	if err != nil {
		return nil, err
	}
	if read.board, err = d.Engine.Lay(standing); err != nil {
		return nil, err
	}
	l := d.boards.kept(agency, read.at)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sheet = read
	return read, nil
}

// ask puts a question to a sheet of the agency's board.
func (d *Desk) ask(ctx context.Context, s *sheet, question func(schedule.Board) error) error {
	agency, _ := tenant.From(ctx)
	l := d.boards.kept(agency, d.Clock.Now())
	l.mu.Lock()
	defer l.mu.Unlock()
	return question(s.board)
}

// standing reads the days of span as they stand. What begins before notBefore
// stays where it is.
func (d *Desk) standing(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, span schedule.Span, notBefore time.Time) (schedule.Standing, error) {
	visits, err := d.Store.VisitsIn(ctx, tx, span)
	if err != nil {
		return schedule.Standing{}, err
	}
	roster, err := d.Store.Roster(ctx, tx, span.From)
	if err != nil {
		return schedule.Standing{}, err
	}
	want := wanted{span: span, notBefore: notBefore, roster: roster, weeks: weeksOf(cal, span)}
	for _, v := range visits {
		if !v.Slot.StartsAt.Before(notBefore) {
			want.visits = append(want.visits, v)
		}
	}
	s, err := d.situate(ctx, tx, cal, want)
	if err != nil {
		return schedule.Standing{}, err
	}
	return s.standing(span), nil
}

// standing is a situation as people know it: visits stand where they are, and
// move within span alone. One that is not where its plan wants it stays there.
func (s situation) standing(span schedule.Span) schedule.Standing {
	out := schedule.Standing{Problem: s.problem}
	out.Problem.Demands = nil
	for _, demand := range s.problem.Demands {
		v := s.visits[demand.Visit]
		demand.Windows = clipped(demand.Windows, span)
		if v.Slot == nil {
			out.Problem.Demands = append(out.Problem.Demands, demand)
			continue
		}
		inside := false
		for _, w := range demand.Windows {
			inside = inside || w.Holds(v.Slot.Span())
		}
		if !inside {
			out.Problem.Booked = append(out.Problem.Booked, schedule.Booking{
				Visit: v.ID, Series: v.Series, Workers: v.Slot.Workers, Span: v.Slot.Span(), At: demand.At,
			})
			continue
		}
		out.Problem.Demands = append(out.Problem.Demands, demand)
		out.Plan.Placed = append(out.Plan.Placed, schedule.Placement{Visit: v.ID, Slot: *v.Slot})
	}
	return out
}

// clipped are the parts of windows that lie in span.
func clipped(windows []schedule.Span, span schedule.Span) []schedule.Span {
	var inside []schedule.Span
	for _, w := range windows {
		if w.From.Before(span.From) {
			w.From = span.From
		}
		if w.To.After(span.To) {
			w.To = span.To
		}
		if w.From.Before(w.To) {
			inside = append(inside, w)
		}
	}
	return inside
}
