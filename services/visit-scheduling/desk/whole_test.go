package desk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Whatever happens in whatever order, over the real tables: every series adds up,
// a visit has all its workers or none, nobody is in two places, nothing that is
// over comes back, and each visit's last event says how it stands.
func TestDesk_ScheduleStaysWhole(t *testing.T) {
	o := open(t)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		agency, err := tenant.Parse(fmt.Sprint("agency-", run))
		if err != nil {
			r.Fatal(err)
		}
		o.ctx = tenant.With(t.Context(), agency)
		o.clock.Set(at(0, 6, 0))
		staff := []schedule.WorkerID{"w1", "w2", "w3"}
		o.hire(staff...)
		cases, versions := []string{"c1", "c2"}, map[string]int64{}
		final := map[schedule.VisitID]schedule.Status{}
		absences := map[schedule.WorkerID][]schedule.AbsenceID{}

		do := func(fn func(ctx context.Context, tx *kit.Tx) error) {
			err := o.DB.InTenant(o.ctx, fn)
			if err == nil {
				return
			}
			switch fault.KindOf(err) { // a rule may refuse; nothing may break
			case fault.Conflict, fault.Unprocessable, fault.Forbidden, fault.NotFound:
			default:
				r.Fatal(err)
			}
		}
		all := func() (visits []schedule.Visit) {
			o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
				visits, err = o.Store.VisitList(ctx, tx, postgres.VisitPage{Limit: 1000, Seen: "true"})
				return err
			})
			return visits
		}
		pick := func(r *rapid.T) schedule.Visit {
			visits := all()
			if len(visits) == 0 {
				r.Skip()
			}
			return visits[rapid.IntRange(0, min(len(visits)-1, 5)).Draw(r, "visit")]
		}
		worker := func(r *rapid.T) schedule.WorkerID { return rapid.SampledFrom(staff).Draw(r, "worker") }
		r.Repeat(map[string]func(*rapid.T){
			"approve": func(r *rapid.T) {
				c := rapid.SampledFrom(cases).Draw(r, "case")
				versions[c]++
				p := plan(c, versions[c], rapid.IntRange(1, 3).Draw(r, "times"), rapid.IntRange(1, 2).Draw(r, "workers"))
				p.EndsOn = p.StartsOn.AddDays(13)
				do(func(ctx context.Context, tx *kit.Tx) error { return o.Approve(ctx, tx, p, o.clock.Now(), "") })
			},
			"plan": func(r *rapid.T) {
				if _, err := o.PlanNext(o.ctx, "planner"); err != nil {
					r.Fatal(err)
				}
			},
			"close": func(r *rapid.T) {
				if rapid.IntRange(0, 9).Draw(r, "really") > 0 {
					r.Skip()
				}
				do(func(ctx context.Context, tx *kit.Tx) error { return o.CloseCase(ctx, tx, "c2") })
			},
			"fall ill": func(r *rapid.T) {
				w, from := worker(r), at(rapid.IntRange(0, 12).Draw(r, "day"), 0, 0)
				do(func(ctx context.Context, tx *kit.Tx) error {
					a, _, err := o.AddAbsence(ctx, tx, w, schedule.Absence{Span: schedule.Span{From: from, To: from.Add(48 * time.Hour)}, Reason: "sick"})
					if err == nil {
						absences[w] = append(absences[w], a.ID)
					}
					return err
				})
			},
			"recover": func(r *rapid.T) {
				w := worker(r)
				if len(absences[w]) == 0 {
					r.Skip()
				}
				id := absences[w][0]
				absences[w] = absences[w][1:]
				do(func(ctx context.Context, tx *kit.Tx) error { return o.RemoveAbsence(ctx, tx, w, id) })
			},
			"leave the family": func(r *rapid.T) {
				w, c := worker(r), schedule.CaseID(rapid.SampledFrom(cases).Draw(r, "case"))
				do(func(ctx context.Context, tx *kit.Tx) error { return o.Unassigned(ctx, tx, c, w) })
			},
			"move": func(r *rapid.T) {
				v, hour := pick(r), rapid.IntRange(0, 13*24).Draw(r, "hour")
				team := rapid.SliceOfNDistinct(rapid.SampledFrom(staff), 1, 2, rapid.ID[schedule.WorkerID]).Draw(r, "team")
				do(func(ctx context.Context, tx *kit.Tx) error {
					_, err := o.Reschedule(ctx, tx, v.ID, desk.MoveRequest{StartsAt: at(0, hour, 0), Workers: team, Side: schedule.FamilySide, Reason: "x"}, yes)
					return err
				})
			},
			"cancel": func(r *rapid.T) {
				v, replace := pick(r), rapid.Bool().Draw(r, "replace")
				do(func(ctx context.Context, tx *kit.Tx) error {
					_, err := o.Cancel(ctx, tx, v.ID, schedule.FamilySide, "x", replace, yes)
					return err
				})
			},
			"visit": func(r *rapid.T) {
				v := pick(r)
				if v.Slot == nil {
					r.Skip()
				}
				if o.clock.Now().Before(v.Slot.StartsAt) {
					o.clock.Set(v.Slot.StartsAt)
				}
				for _, w := range v.Slot.Workers {
					do(func(ctx context.Context, tx *kit.Tx) error { _, err := o.CheckIn(ctx, tx, v.ID, w, yes); return err })
				}
				for _, w := range v.Slot.Workers[:rapid.IntRange(0, len(v.Slot.Workers)).Draw(r, "leave")] {
					do(func(ctx context.Context, tx *kit.Tx) error {
						_, err := o.CheckOut(ctx, tx, v.ID, w, nil, yes)
						return err
					})
				}
			},
			"find nobody": func(r *rapid.T) {
				v, w := pick(r), worker(r)
				do(func(ctx context.Context, tx *kit.Tx) error {
					_, err := o.Attempt(ctx, tx, v.ID, w, "no_one_home", rapid.Bool().Draw(r, "replace"), yes)
					return err
				})
			},
			"": func(r *rapid.T) {
				for _, c := range cases {
					o.balanced(c)
				}
				for _, v := range all() {
					if was, over := final[v.ID]; over && was != v.Status {
						r.Fatalf("a visit went from %s to %s", was, v.Status)
					}
					if v.Status == schedule.Completed || v.Status == schedule.Attempted || v.Status == schedule.Cancelled {
						final[v.ID] = v.Status
					}
				}
				o.in(func(ctx context.Context, tx *kit.Tx) error {
					var broken []string
					err := tx.SelectContext(ctx, &broken, `
						SELECT 'half booked: ' || v.visit_id FROM visit v WHERE (v.starts_at IS NOT NULL) AND
							v.workers_needed <> (SELECT count(*) FROM booking b WHERE b.visit_id = v.visit_id)
						UNION ALL
						SELECT 'booked without a time: ' || visit_id FROM booking b JOIN visit v USING (agency_id, visit_id) WHERE v.starts_at IS NULL
						UNION ALL
						SELECT 'in two places: ' || a.worker_id FROM booking a JOIN booking b ON a.worker_id = b.worker_id AND a.visit_id < b.visit_id AND a.during && b.during
						UNION ALL
						SELECT 'last told ' || told.type || ' and is ' || v.status || ': ' || v.visit_id
						FROM visit v JOIN LATERAL (SELECT split_part(type, '.', 5) AS type FROM outbox WHERE subject = v.visit_id ORDER BY seq DESC LIMIT 1) told ON true
						WHERE NOT (told.type = v.status OR told.type = 'rescheduled' AND v.status = 'scheduled' OR told.type = 'checked_in' AND v.status = 'in_progress'
							OR v.reasons = '["taken_from_worker"]')`)
					for _, b := range broken {
						r.Error(b)
					}
					return err
				})
				if t.Failed() {
					r.Fatal("see above")
				}
			},
		})
	})
}
