package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

var store postgres.Store

func agency(t testing.TB, slug string) context.Context {
	t.Helper()
	id, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return tenant.With(t.Context(), id)
}

func in(t testing.TB, db *kit.DB, ctx context.Context, fn func(ctx context.Context, tx *kit.Tx) error) {
	t.Helper()
	if err := db.InTenant(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

// at is an hour of a day of the week of Monday 2026-03-02.
func at(day, hour int) time.Time { return time.Date(2026, 3, 2+day, hour, 0, 0, 0, time.UTC) }

func aSeries() schedule.Series {
	return schedule.Series{
		ID: "series-1", Kind: schedule.OfPlan, Case: "case-1", Household: "house-1", PlanID: "plan-1", PlanVersion: 1, Trace: "00-a-b-01",
		StartsOn: clock.NewDate(2026, 3, 2), EndsOn: clock.NewDate(2026, 3, 15),
		Pattern: schedule.Pattern{
			TimesAWeek: 2, Minutes: 60, Workers: 2, Place: schedule.Home, Skills: []string{"parenting"},
			Language: "fi", Earliest: 540, Latest: 1020, Weekdays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"},
			Asks: schedule.Asks{
				Levels: []schedule.SkillLevel{{Skill: "parenting", Level: 2}}, Wishes: []schedule.Wish{{Attribute: "woman", Must: true}, {Attribute: "elder"}},
				People: &schedule.People{Most: 3, Days: 90}, Substitutes: &schedule.Substitutes{Most: 4, NeverRunning: true}, KnownFirst: true, Daylight: true, NotLast: true,
			},
		},
		Workers: []schedule.WorkerID{"w1"}, Recipients: []string{"p1"}, Status: schedule.SeriesActive, Version: 1,
	}
}

func aWorker(id schedule.WorkerID) schedule.Worker {
	return schedule.Worker{
		ID: id, Skills: []string{"parenting"}, Languages: []string{"fi"}, Base: &schedule.Point{Lat: 61, Lon: 25.5},
		Hours:    []schedule.Hours{{Weekday: "mon", From: 480, To: 960}},
		Absences: []schedule.Absence{{ID: "a1", Span: schedule.Span{From: at(3, 0), To: at(4, 0)}, Reason: "leave"}},
		Terms: schedule.Terms{
			Levels: []schedule.SkillLevel{{Skill: "parenting", Level: 2}}, Attributes: []string{"woman"}, TravelMode: "car",
			Breaks: []schedule.Break{{From: 660, To: 840, Minutes: 30}}, Limits: &schedule.Limits{DayVisits: 4, Families: 12},
		},
		Version: 1,
	}
}

// seed stores two workers and a series of four visits, and returns the visits.
func seed(t testing.TB, db *kit.DB, ctx context.Context) []schedule.Visit {
	t.Helper()
	s := aSeries()
	cal, err := clock.NewCalendar("test", time.UTC, clock.Spec{WorkingDays: []clock.Weekday{"mon"}})
	if err != nil {
		t.Fatal(err)
	}
	visits := s.Plan(at(-1, 0), nil, cal)
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
		for _, id := range []schedule.WorkerID{"w1", "w2", "w3"} {
			w := aWorker(id)
			if err := store.PutWorker(ctx, tx, w); err != nil {
				return err
			}
			if err := store.ReplaceAbsences(ctx, tx, id, w.Absences); err != nil {
				return err
			}
		}
		if _, err := store.OpenCase(ctx, tx, postgres.Case{ID: s.Case, Household: s.Household, Trace: s.Trace}); err != nil {
			return err
		}
		if err := store.InsertSeries(ctx, tx, s); err != nil {
			return err
		}
		return store.InsertVisits(ctx, tx, visits)
	})
	return visits
}

func place(t testing.TB, v *schedule.Visit, day, hour int, workers ...schedule.WorkerID) {
	t.Helper()
	if _, err := v.Schedule(schedule.Slot{StartsAt: at(day, hour), EndsAt: at(day, hour+1), Workers: workers, Travel: 12, Source: schedule.Estimated}); err != nil {
		t.Fatal(err)
	}
}

func TestStore_ReadsBackWhatItStored(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	visits := seed(t, db, ctx)
	v := visits[0]
	place(t, &v, 0, 10, "w2", "w1")
	if _, err := v.CheckIn("w2", at(0, 10), schedule.Attendance{}); err != nil {
		t.Fatal(err)
	}
	v.MissCheckout(at(0, 12))
	lost := visits[1]
	place(t, &lost, 1, 10, "w1", "w2")
	if err := lost.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := lost.Leave(schedule.Leftover{Visit: lost.ID, Reasons: []schedule.Reason{schedule.NoPlace}, LookedAt: at(0, 7)}); err != nil {
		t.Fatal(err)
	}
	cancelled := visits[2]
	if _, err := cancelled.Cancel(schedule.FamilySide, "ill", at(0, 9)); err != nil {
		t.Fatal(err)
	}
	cancelled.ReplacedBy = "another"
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error { return store.SaveVisits(ctx, tx, v, lost, cancelled) })
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
		for _, want := range []schedule.Visit{v, lost, cancelled, visits[3]} {
			got, err := store.Visit(ctx, tx, want.ID, true)
			if err != nil {
				return err
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("visit (-want +got):\n%s", diff)
			}
		}
		w, err := store.Worker(ctx, tx, "w1", true)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(aWorker("w1"), w); diff != "" {
			t.Errorf("worker (-want +got):\n%s", diff)
		}
		s, err := store.Series(ctx, tx, "series-1", true)
		if err != nil {
			return err
		}
		want := aSeries()
		want.Planned = 4
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("series (-want +got):\n%s", diff)
		}
		ledgers, err := store.Ledgers(ctx, tx, []schedule.Series{s})
		if err != nil {
			return err
		}
		balance := schedule.Ledger{Planned: 4, Scheduled: 1, Unplaced: 2, Cancelled: 1}
		if diff := cmp.Diff(balance, ledgers["series-1"]); diff != "" {
			t.Errorf("ledger (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestStore_TablesRefuseToBookAWorkerTwice(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	visits := seed(t, db, ctx)
	place(t, &visits[0], 0, 10, "w1", "w2")
	place(t, &visits[1], 0, 10, "w1", "w3")
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error { return store.SaveVisits(ctx, tx, visits[0]) })
	err := db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error { return store.SaveVisits(ctx, tx, visits[1]) })
	if !fault.Is(err, "double_booked") {
		t.Errorf("booked twice: %v", err)
	}
	// One after the other is no overlap, and another agency's worker of the same id is another worker.
	place(t, &visits[1], 0, 11, "w1", "w3")
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error { return store.SaveVisits(ctx, tx, visits[1]) })
	other := agency(t, "elsewhere")
	theirs := seed(t, db, other)
	place(t, &theirs[0], 0, 10, "w1", "w2")
	in(t, db, other, func(ctx context.Context, tx *kit.Tx) error { return store.SaveVisits(ctx, tx, theirs[0]) })
}

func TestStore_TablesRefuseHalfAPair(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	visits := seed(t, db, ctx)
	place(t, &visits[0], 0, 10, "w1", "w2")
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error { return store.SaveVisits(ctx, tx, visits[0]) })
	for name, spoil := range map[string]string{
		"one leaves":           `DELETE FROM booking WHERE worker_id = 'w2'`,
		"another time for one": `UPDATE booking SET during = tstzrange(lower(during), upper(during) + interval '1 hour') WHERE worker_id = 'w2'`,
		"one on the visit":     `UPDATE visit SET workers = '["w1"]' WHERE status = 'scheduled'`,
		"time without booking": `UPDATE visit SET status = 'unplaced', starts_at = NULL, ends_at = NULL, workers = '[]' WHERE status = 'scheduled'`,
		"moved without":        `UPDATE visit SET ends_at = ends_at + interval '1 hour' WHERE status = 'scheduled'`,
	} {
		t.Run(name, func(t *testing.T) {
			err := db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
				_, err := tx.ExecContext(ctx, spoil)
				return err
			})
			if err == nil {
				t.Error("the tables took it")
			}
		})
	}
}

func TestStore_WorkIsClaimedOnceAndKeptWhenWishedForAgain(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	seed(t, db, ctx)
	week := schedule.Week{Monday: clock.NewDate(2026, 3, 2)}
	wish := func(ctx context.Context, tx *kit.Tx) error { return store.RequestPlanning(ctx, tx, week, week) }
	claim := func(planner string, now time.Time) (work postgres.Work, ok bool) {
		in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
			work, ok, err = store.ClaimWork(ctx, tx, planner, now, now.Add(time.Minute))
			return err
		})
		return work, ok
	}
	finish := func(planner string, work postgres.Work) {
		in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error { return store.FinishWork(ctx, tx, planner, work) })
	}
	in(t, db, ctx, wish)
	first, ok := claim("a", at(0, 8))
	if !ok || first.Week != week {
		t.Fatalf("claimed %+v, %v", first, ok)
	}
	if _, ok := claim("b", at(0, 8)); ok {
		t.Fatal("claimed by two")
	}
	in(t, db, ctx, wish) // while a plans
	finish("a", first)
	second, ok := claim("b", at(0, 8))
	if !ok {
		t.Fatal("a wish made while another was planned is lost")
	}
	third, ok := claim("c", at(0, 9)) // b died
	if !ok {
		t.Fatal("what a dead planner claimed stays claimed")
	}
	finish("b", second) // b was only slow: c has it now
	if _, ok := claim("d", at(0, 9)); ok {
		t.Fatal("the slow planner freed the other's claim")
	}
	finish("c", third)
	if _, ok := claim("d", at(0, 10)); ok {
		t.Fatal("finished work came again")
	}
}

// Every method, asked in another agency, sees nothing of this one and changes
// nothing in it.
func TestStore_AnotherAgencySeesNothing(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	home, abroad := agency(t, "lakeland"), agency(t, "elsewhere")
	visits := seed(t, db, home)
	place(t, &visits[0], 0, 10, "w1", "w2")
	place(t, &visits[3], 1, 10, "w1", "w2")
	if _, err := visits[3].CheckIn("w1", at(1, 10), schedule.Attendance{}); err != nil {
		t.Fatal(err)
	}
	week := schedule.Week{Monday: clock.NewDate(2026, 3, 2)}
	in(t, db, home, func(ctx context.Context, tx *kit.Tx) error {
		if err := store.SaveVisits(ctx, tx, visits[0], visits[3]); err != nil {
			return err
		}
		if err := store.KeepTravelPoints(ctx, tx, postgres.TravelPoint{Household: "house-1", Source: "withheld", FetchedAt: at(0, 8)}); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO case_access (case_id, worker_id, excluded) VALUES ('case-1', 'w3', true)`); err != nil {
			return err
		}
		if err := store.KeepTravelFit(ctx, tx, aFit()); err != nil {
			return err
		}
		return store.RequestPlanning(ctx, tx, week, week)
	})
	before := dump(t, db, home)

	nothing := func(name string, ask func(ctx context.Context, tx *kit.Tx) (int, error)) {
		t.Helper()
		for _, in := range []struct {
			agency context.Context
			sees   bool
		}{{home, true}, {abroad, false}} {
			n := 0
			err := db.InTenant(in.agency, func(ctx context.Context, tx *kit.Tx) (err error) {
				n, err = ask(ctx, tx)
				if fault.KindOf(err) == fault.NotFound && err != nil {
					n, err = 0, nil
				}
				if err == nil {
					err = errRollBack
				}
				return err
			})
			if !errors.Is(err, errRollBack) {
				t.Errorf("%s: %v", name, err)
			}
			if (n > 0) != in.sees {
				t.Errorf("%s: saw %d, want sight %v", name, n, in.sees)
			}
		}
	}
	one := func(err error) (int, error) { return 1, err }
	nothing("Worker", func(ctx context.Context, tx *kit.Tx) (int, error) {
		_, err := store.Worker(ctx, tx, "w1", true)
		return one(err)
	})
	nothing("Workers", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.Workers(ctx, tx, "", 10)
		return len(all), err
	})
	nothing("Roster", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.Roster(ctx, tx, at(0, 0))
		return len(all), err
	})
	nothing("LockWorkers", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.LockWorkers(ctx, tx, []schedule.WorkerID{"w1"}, at(0, 0))
		return len(all), err
	})
	nothing("RemoveAbsence", func(ctx context.Context, tx *kit.Tx) (int, error) {
		_, err := store.RemoveAbsence(ctx, tx, "w1", "a1")
		return one(err)
	})
	nothing("Series", func(ctx context.Context, tx *kit.Tx) (int, error) {
		_, err := store.Series(ctx, tx, "series-1", true)
		return one(err)
	})
	nothing("PastVisits", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.PastVisits(ctx, tx, []schedule.CaseID{"case-1"}, at(-300, 0), at(-28, 0))
		return len(all["case-1"]), err
	})
	nothing("FamiliesOf", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.FamiliesOf(ctx, tx, []schedule.WorkerID{"w1"})
		return len(all["w1"]), err
	})
	nothing("ActiveSeries", func(ctx context.Context, tx *kit.Tx) (int, error) {
		_, err := store.ActiveSeries(ctx, tx, "case-1", schedule.OfPlan)
		return one(err)
	})
	nothing("LatestVersion", func(ctx context.Context, tx *kit.Tx) (int, error) {
		n, err := store.LatestVersion(ctx, tx, "plan-1")
		return int(n), err
	})
	nothing("SeriesList", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.SeriesList(ctx, tx, postgres.SeriesPage{Seen: "true", Limit: 10})
		return len(all), err
	})
	nothing("Ledgers", func(ctx context.Context, tx *kit.Tx) (int, error) {
		l, err := store.Ledgers(ctx, tx, []schedule.Series{{ID: "series-1"}})
		return l["series-1"].Scheduled, err
	})
	nothing("Visit", func(ctx context.Context, tx *kit.Tx) (int, error) {
		_, err := store.Visit(ctx, tx, visits[0].ID, true)
		return one(err)
	})
	nothing("LockVisits", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.LockVisits(ctx, tx, []schedule.VisitID{visits[0].ID})
		return len(all), err
	})
	nothing("OpenVisits", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.OpenVisits(ctx, tx, "series-1")
		return len(all), err
	})
	nothing("ScheduledOf", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.ScheduledOf(ctx, tx, "w1", "", at(0, 0))
		return len(all), err
	})
	nothing("VisitsHad", func(ctx context.Context, tx *kit.Tx) (int, error) {
		if _, err := tx.ExecContext(ctx, `UPDATE visit SET status = 'completed' WHERE status = 'scheduled'`); err != nil {
			return 0, err
		}
		had, err := store.VisitsHad(ctx, tx, "case-1", at(0, 0))
		return had[week], err
	})
	nothing("VisitList", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.VisitList(ctx, tx, postgres.VisitPage{Seen: "true", Limit: 10})
		return len(all), err
	})
	nothing("OldestUnplaced", func(ctx context.Context, tx *kit.Tx) (int, error) {
		_, ok, err := store.OldestUnplaced(ctx, tx)
		return map[bool]int{true: 1}[ok], err
	})
	nothing("ClaimWork", func(ctx context.Context, tx *kit.Tx) (int, error) {
		_, ok, err := store.ClaimWork(ctx, tx, "x", at(0, 8), at(0, 9))
		return map[bool]int{true: 1}[ok], err
	})
	nothing("HoldWork", func(ctx context.Context, tx *kit.Tx) (int, error) {
		ok, err := store.HoldWork(ctx, tx, "", postgres.Work{Week: week}, at(0, 9))
		return map[bool]int{true: 1}[ok], err
	})
	nothing("UnplacedOf", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.UnplacedOf(ctx, tx, week)
		return len(all), err
	})
	nothing("BookedIn", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.BookedIn(ctx, tx, week.Span(time.UTC), nil, nil)
		return len(all), err
	})
	nothing("SeriesOf", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.SeriesOf(ctx, tx, visits)
		return len(all), err
	})
	nothing("Acquainted", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.Acquainted(ctx, tx, []schedule.CaseID{"case-1"})
		return len(all), err
	})
	nothing("Excluded", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.Excluded(ctx, tx, []schedule.CaseID{"case-1"})
		return len(all), err
	})
	nothing("Attended", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.Attended(ctx, tx, schedule.Span{From: at(0, 0), To: at(3, 0)}, 10)
		return len(all), err
	})
	nothing("TravelFit", func(ctx context.Context, tx *kit.Tx) (int, error) {
		f, err := store.TravelFit(ctx, tx)
		return len(f.Modes), err
	})
	nothing("TravelPoints", func(ctx context.Context, tx *kit.Tx) (int, error) {
		all, err := store.TravelPoints(ctx, tx, []string{"house-1"})
		return len(all), err
	})
	// Writes with this agency's ids make rows of the other's own, or none.
	in(t, db, abroad, func(ctx context.Context, tx *kit.Tx) error {
		s := aSeries()
		s.Status, s.Version = schedule.SeriesEnded, 9
		moved := visits[0]
		moved.Status, moved.Slot, moved.Version = schedule.Cancelled, nil, 9
		for _, write := range []func() error{
			func() error { return store.PutWorker(ctx, tx, schedule.Worker{ID: "w1", Version: 9}) },
			func() error { return store.ReplaceAbsences(ctx, tx, "w1", nil) },
			func() error {
				return store.AddAbsence(ctx, tx, "w1", schedule.Absence{ID: "b", Span: schedule.Span{From: at(0, 0), To: at(1, 0)}, Reason: "sick"})
			},
			func() error { return store.CloseCase(ctx, tx, "case-1", at(0, 0)) },
			func() error { return store.TraceFrom(ctx, tx, "case-1", "x") },
			func() error { return store.SaveSeries(ctx, tx, s) },
			func() error { return store.SaveVisits(ctx, tx, moved) },
			func() error { return store.RequestPlanning(ctx, tx, week, week) },
			func() error { return store.FinishWork(ctx, tx, "", postgres.Work{Week: week, Revision: 1}) },
			func() error { return store.PutOffWork(ctx, tx, "", postgres.Work{Week: week}, at(5, 0)) },
			func() error {
				_, err := store.OpenCase(ctx, tx, postgres.Case{ID: "case-1", Household: "theirs"})
				return err
			},
			func() error { return store.InsertSeries(ctx, tx, aSeries()) },
			func() error { return store.InsertVisits(ctx, tx, visits[1:2]) },
			func() error { return store.KeepTravelFit(ctx, tx, schedule.TravelFit{FittedAt: at(1, 0)}) },
			func() error {
				return store.KeepTravelPoints(ctx, tx, postgres.TravelPoint{Household: "house-1", Source: "theirs", FetchedAt: at(0, 0)})
			},
		} {
			if err := write(); err != nil {
				return err
			}
		}
		return nil
	})
	if diff := cmp.Diff(before, dump(t, db, home)); diff != "" {
		t.Errorf("another agency changed:\n%s", diff)
	}
}

func aFit() schedule.TravelFit {
	return schedule.TravelFit{FittedAt: at(1, 2), Since: at(0, 2), Modes: []schedule.ModeFit{{Ways: 60, Used: true, Percent: []int{120, 110, 100, 90}, Seen: []int{30, 20, 10, 0}, Residual: 2, Before: 6}}}
}

func TestStore_KeepsWhatRecordedWaysSay(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	visits := seed(t, db, ctx)
	place(t, &visits[0], 0, 10, "w1", "w2")
	visits[0].CheckIns = []schedule.CheckIn{{Worker: "w1", InAt: at(0, 10), OutAt: at(0, 11)}, {Worker: "w2", InAt: at(0, 10)}}
	place(t, &visits[1], 1, 10, "w1", "w2")
	visits[1].Place, visits[1].CheckIns = schedule.Office, []schedule.CheckIn{{Worker: "w1", InAt: at(1, 10), OutAt: at(1, 11)}}
	lat, lon := 61.0, 25.0
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
		w := aWorker("w2")
		w.TravelMode = "bicycle"
		if err := store.PutWorker(ctx, tx, w); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE visit SET place = 'office' WHERE visit_id = $1`, string(visits[1].ID)); err != nil {
			return err
		}
		if err := store.KeepTravelPoints(ctx, tx, postgres.TravelPoint{Household: "house-1", Known: true, Lat: &lat, Lon: &lon, Source: "postal_area", FetchedAt: at(0, 8)}); err != nil {
			return err
		}
		return store.SaveVisits(ctx, tx, visits[:2]...)
	})
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
		got, err := store.Attended(ctx, tx, schedule.Span{From: at(0, 0), To: at(2, 0)}, 10)
		if err != nil {
			return err
		}
		home := &schedule.Point{Lat: lat, Lon: lon}
		want := []schedule.Attended{
			{Worker: "w1", In: at(1, 10), Out: at(1, 11)}, // an office: nobody knows where
			{Worker: "w1", At: home, In: at(0, 10), Out: at(0, 11)},
			{Worker: "w2", Mode: "bicycle", At: home, In: at(0, 10)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("attended (-want +got):\n%s", diff)
		}
		if few, err := store.Attended(ctx, tx, schedule.Span{From: at(0, 0), To: at(2, 0)}, 1); err != nil || len(few) != 1 {
			t.Errorf("%d of at most one, %v", len(few), err)
		}
		none, err := store.TravelFit(ctx, tx)
		if err != nil || !none.FittedAt.IsZero() {
			t.Errorf("fitted at first: %+v, %v", none, err)
		}
		for range 2 { // the second in place of the first
			if err := store.KeepTravelFit(ctx, tx, aFit()); err != nil {
				return err
			}
		}
		fit, err := store.TravelFit(ctx, tx)
		if diff := cmp.Diff(aFit(), fit); diff != "" {
			t.Errorf("fit (-want +got):\n%s", diff)
		}
		return err
	})
}

var errRollBack = errors.New("roll back")

// dump is every row the agency has in the service's tables, as text.
func dump(t testing.TB, db *kit.DB, ctx context.Context) (rows []string) {
	t.Helper()
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
		for _, table := range []string{"worker", "absence", "family_case", "series", "visit", "booking", "travel_point", "travel_fit", "planning_work"} {
			var some []string
			if err := tx.SelectContext(ctx, &some, `SELECT x::text FROM `+table+` x ORDER BY 1`); err != nil {
				return err
			}
			for _, r := range some {
				rows = append(rows, table+" "+r)
			}
		}
		return nil
	})
	if len(rows) < 12 {
		t.Fatalf("only %d rows seeded", len(rows))
	}
	return rows
}

func TestStore_EveryTableKeepsAgenciesApart(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	testkit.ProveTenancy(t, db)
}

func TestStore_KeepsWhatAProviderTold(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	seed(t, db, ctx) // three workers with their base at 61, 25.5
	home, area, gone := matrix.Spot{Lat: 61000, Lon: 25500}, matrix.Spot{Lat: 61123, Lon: 25456}, matrix.Spot{Lat: 62000, Lon: 25000}
	lat, lon := 61.1234, 25.4561
	way := func(from, to matrix.Spot, minutes int) matrix.Way {
		return matrix.Way{Mode: "bicycle", From: from, To: to, Minutes: minutes}
	}
	mark := func(tx *kit.Tx, ctx context.Context) postgres.RoadMark {
		t.Helper()
		m, err := store.RoadMark(ctx, tx)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	read := func(tx *kit.Tx, ctx context.Context, source string, after int64) []matrix.Way {
		t.Helper()
		ways, err := store.RoadTimes(ctx, tx, source, after)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(ways, func(a, b matrix.Way) int { return a.Minutes - b.Minutes })
		return ways
	}
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
		if m := mark(tx, ctx); m != (postgres.RoadMark{}) {
			t.Errorf("at first %+v", m)
		}
		if err := store.KeepTravelPoints(ctx, tx, postgres.TravelPoint{Household: "house-1", Known: true, Lat: &lat, Lon: &lon, Source: "postal_area", FetchedAt: at(0, 8)}); err != nil {
			return err
		}
		if err := store.KeepRoadTimes(ctx, tx, "osrm", []matrix.Way{way(home, area, 10), way(area, home, matrix.None), way(home, gone, 30)}, at(0, 8)); err != nil {
			return err
		}
		if err := store.KeepRoadTimes(ctx, tx, "osrm", []matrix.Way{way(home, area, 12)}, at(1, 8)); err != nil {
			return err
		}
		if diff := cmp.Diff([]matrix.Way{way(area, home, -1), way(home, area, 12), way(home, gone, 30)}, read(tx, ctx, "osrm", 0)); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]matrix.Way{way(home, area, 12)}, read(tx, ctx, "osrm", 1)); diff != "" {
			t.Errorf("told after the first time (-want +got):\n%s", diff)
		}
		if m := mark(tx, ctx); m != (postgres.RoadMark{Revision: 2}) || len(read(tx, ctx, "valhalla", 0)) != 0 {
			t.Errorf("mark %+v", m)
		}
		// The place nobody has goes, then what is old; each time readers begin anew.
		for i, want := range []int{2, 1, 1} {
			if err := store.ForgetRoadTimes(ctx, tx, at(0, 8+i)); err != nil {
				return err
			}
			if got, m := read(tx, ctx, "osrm", 0), mark(tx, ctx); len(got) != want || m.Epoch != int64(min(i+1, 2)) {
				t.Errorf("%+v are left, want %d; mark %+v", got, want, m)
			}
		}
		return nil
	})
	in(t, db, agency(t, "elsewhere"), func(ctx context.Context, tx *kit.Tx) error {
		if m := mark(tx, ctx); m != (postgres.RoadMark{}) || len(read(tx, ctx, "osrm", 0)) != 0 {
			t.Errorf("another agency reads %+v", m)
		}
		return store.ForgetRoadTimes(ctx, tx, at(9, 0))
	})
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
		if got := read(tx, ctx, "osrm", 0); len(got) != 1 {
			t.Errorf("%+v are left after another agency forgot its own", got)
		}
		return nil
	})
}

// Who was a substitute is decided by whose family it was when the visit was, not now.
func TestStore_KnowsWhoseFamilyItWasThen(t *testing.T) {
	now := clock.NewManual(at(-30, 0))
	db, _ := testkit.Database(t, postgres.Migrations, testkit.WithClock(now))
	ctx := agency(t, "lakeland")
	visits := seed(t, db, ctx)
	save := func(change func(*schedule.Series)) {
		in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
			s, err := store.Series(ctx, tx, "series-1", true)
			if err != nil {
				return err
			}
			change(&s)
			return store.SaveSeries(ctx, tx, s)
		})
	}
	// w1 until Wednesday, w2 from then on, w3 never.
	now.Advance(at(2, 0).Sub(now.Now()))
	save(func(s *schedule.Series) { s.Workers = []schedule.WorkerID{"w2"} })
	place(t, &visits[0], 0, 10, "w1", "w3")
	place(t, &visits[1], 1, 10, "w2", "w3")
	place(t, &visits[2], 3, 10, "w1", "w3")
	place(t, &visits[3], 4, 10, "w2", "w1")
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error { return store.SaveVisits(ctx, tx, visits...) })
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
		all, err := store.PastVisits(ctx, tx, []schedule.CaseID{"case-1"}, at(-300, 0), at(-28, 0))
		if err != nil {
			return err
		}
		var got []bool
		for _, v := range all["case-1"] {
			got = append(got, v.Substitute)
		}
		if diff := cmp.Diff([]bool{false, true, true, false}, got); diff != "" {
			t.Errorf("substitutes (-want +got):\n%s", diff)
		}
		families, err := store.FamiliesOf(ctx, tx, []schedule.WorkerID{"w1", "w2"})
		if diff := cmp.Diff(map[schedule.WorkerID][]schedule.SeriesID{"w2": {"series-1"}}, families); diff != "" {
			t.Errorf("families (-want +got):\n%s", diff)
		}
		return err
	})
	// A case that is older than the record: the workers it had are taken over.
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM family_worker`)
		return err
	})
	save(func(s *schedule.Series) { s.Workers = []schedule.WorkerID{"w3"} })
	in(t, db, ctx, func(ctx context.Context, tx *kit.Tx) error {
		all, err := store.PastVisits(ctx, tx, []schedule.CaseID{"case-1"}, at(-300, 0), at(-28, 0))
		for i, v := range all["case-1"] {
			if want := i == 0 || i == 3; v.Substitute != want { // w2 had it until Wednesday, w3 has it now
				t.Errorf("visit %d on %v: substitute %v, want %v", i, v.Workers, v.Substitute, want)
			}
		}
		return err
	})
}
