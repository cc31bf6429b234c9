package upkeep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/match"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

const (
	// learnFrom bounds the referrals a model is learnt from, leastReports the persons
	// reported below which nothing is.
	learnFrom    = 20_000
	leastReports = 50
	// abandoned is how long nobody works on a job before another takes it up.
	abandoned = 10 * time.Minute
	// buildMost is how many persons' keys are built in one transaction.
	buildMost = 500
	// dropMost is how many keys are dropped in one transaction.
	dropMost = 10_000
	// shadowMost bounds the persons a new model is tried on, shadowPairs those told.
	shadowMost  = 2000
	shadowPairs = 200
)

// job brings the model that is being learnt a step on.
func (u *Upkeep) job(ctx context.Context) (busy bool, err error) {
	for _, step := range []struct {
		state string
		do    func(context.Context, store.MatchJob) error
	}{{store.JobQueued, u.learn}, {store.JobComparing, u.compare}} {
		var j store.MatchJob
		var there bool
		if err := u.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) (err error) {
			j, there, err = store.TakeJob(ctx, tx, step.state, abandoned, u.Clock.Now())
			return err
		}); err != nil {
			return false, err
		}
		if there {
			return true, step.do(ctx, j)
		}
	}
	return false, nil
}

// learn learns a model from what the agency's referrals say, and has its keys built.
func (u *Upkeep) learn(ctx context.Context, j store.MatchJob) error {
	data, err := match.NewDataset(match.Columns{})
	if err != nil {
		return err
	}
	population := 0
	set := match.DefaultSettings()
	set.Workers = 1 // people are waiting for the other processors
	if err := u.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if population, err = store.CountPersons(ctx, tx); err != nil {
			return err
		}
		return store.Reports(ctx, tx, learnFrom, func(c *referral.Content) {
			for _, p := range referral.Described(c) {
				if data.Len() < set.Sample {
					data.Add(index.Describe(p), 0)
				}
			}
		})
	}); err != nil {
		return err
	}
	if data.Len() < leastReports {
		return u.fail(ctx, j, "too_few_reports", fmt.Errorf("%d persons reported", data.Len()))
	}
	m, err := match.Learn(data, set, match.Made{Name: "agency", From: fmt.Sprintf("%d persons reported", data.Len()), Population: max(1, population)})
	if err == nil && j.Costs != nil {
		m, err = m.WithCosts(*j.Costs)
	}
	switch {
	case errors.Is(err, match.ErrImplausible):
		return u.fail(ctx, j, "implausible_fit", err)
	case err != nil:
		return u.fail(ctx, j, "not_learnt", err)
	}
	return u.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if err := store.SaveModel(ctx, tx, m, j.AskedBy, u.Clock.Now()); err != nil {
			return err
		}
		live, err := u.Indexes.Of(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := u.Indexes.Change(ctx, tx, u.Clock.Now(), func(r *store.IndexRow) error {
			r.OtherModel, r.OtherState, r.BuiltTo, r.ChangedBy = m.ID(), "building", "", j.AskedBy
			if m.Scheme() == live.Live.Scheme() {
				r.OtherGeneration = r.Generation // the same keys find for both
			} else {
				r.OtherGeneration = max(r.Generation, r.OtherGeneration) + 1
			}
			return nil
		}); err != nil {
			return err
		}
		j.State, j.Model = store.JobBuilding, m.ID()
		return store.SaveJob(ctx, tx, j, u.Clock.Now())
	})
}

// fail ends a job for good, loudly: the agency goes on with the model it has.
func (u *Upkeep) fail(ctx context.Context, j store.MatchJob, code string, why error) error {
	u.Log.WarnContext(ctx, "no model was learnt; the one in use stays", "job_id", j.ID, "reason_code", code, "error", why.Error())
	j.State, j.ReasonCode = store.JobFailed, code
	return u.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error { return store.SaveJob(ctx, tx, j, u.Clock.Now()) })
}

// build puts the next persons into the generation of keys that is being built.
// The keys of models before those two are dropped then.
func (u *Upkeep) build(ctx context.Context) (busy bool, err error) {
	err = u.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		busy = false
		row, err := store.GetIndexRow(ctx, tx)
		if err != nil {
			return err
		}
		if row.OtherState != "building" {
			busy, err = u.Indexes.Renew(ctx, tx, row, u.Clock.Now())
			return err
		}
		by, err := u.Indexes.Of(ctx, tx)
		if err != nil {
			return err
		}
		last := row.OtherGeneration
		persons, err := store.PersonsBetween(ctx, tx, row.BuiltTo, store.AfterAll, buildMost)
		if err != nil {
			return err
		}
		if len(persons) > 0 {
			busy = true
			if err := store.SaveKeys(ctx, tx, persons, func(p *referral.Person) []referral.IndexKey {
				return slices.DeleteFunc(by.Keep(p), func(k referral.IndexKey) bool { return k.Generation != last })
			}); err != nil {
				return err
			}
			return store.BuiltTo(ctx, tx, string(persons[len(persons)-1].ID))
		}
		if n, err := store.DropOtherKeys(ctx, tx, row, dropMost); err != nil || n > 0 {
			busy = true
			return err
		}
		busy = true // a generation of before may be left to drop
		return u.built(ctx, tx)
	})
	return busy, err
}

// built ends a build: of a model learnt, which is then compared; of the built-in one,
// whose keys are then in use; or of keys the model in use lacked.
func (u *Upkeep) built(ctx context.Context, tx *postgres.Tx) error {
	if err := u.Indexes.Built(ctx, tx, u.Clock.Now()); err != nil {
		return err
	}
	return store.JobBuilt(ctx, tx)
}

// compare tries the model learnt beside the one in use, and reports what would
// change. Nothing does.
func (u *Upkeep) compare(ctx context.Context, j store.MatchJob) error {
	report := &store.ShadowReport{Changes: map[string]int{}, Same: map[string]int{}, Pairs: []store.ShadowPair{}}
	from := ""
	for report.Persons < shadowMost {
		more := false
		if err := u.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
			persons, err := store.PersonsBetween(ctx, tx, from, store.AfterAll, 100)
			if err != nil || len(persons) == 0 {
				return err
			}
			more, from = true, string(persons[len(persons)-1].ID)
			return u.shadow(ctx, tx, persons, report)
		}); err != nil {
			return err
		}
		if !more {
			break
		}
	}
	j.State, j.Report = store.JobDone, report
	return u.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error { return store.SaveJob(ctx, tx, j, u.Clock.Now()) })
}

func (u *Upkeep) shadow(ctx context.Context, tx *postgres.Tx, persons []*referral.Person, report *store.ShadowReport) error {
	by, err := u.Indexes.Of(ctx, tx)
	if err != nil {
		return err
	}
	if by.Other == nil {
		return errors.New("there is no model to compare with")
	}
	for _, p := range persons {
		report.Persons++
		others := map[referral.PersonID]*referral.Person{}
		for _, x := range []*index.Index{{Version: by.Version, Live: by.Live, Generation: by.Generation}, {Version: by.Version, Live: by.Other, Generation: by.OtherGeneration}} {
			found, err := store.SearchBy(ctx, tx, x, p)
			if err != nil {
				return err
			}
			for _, f := range found {
				if f.Person.ID != p.ID {
					others[f.Person.ID] = f.Person
				}
			}
		}
		together, err := store.ReportedTogether(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		for id, q := range others {
			if together[id] {
				continue
			}
			before, ok := index.Compare(by.Live, p, q)
			after, _ := index.Compare(by.Other, p, q)
			if ok {
				tell(report, p.ID, id, before, after)
			}
		}
	}
	return nil
}

func tell(report *store.ShadowReport, p, q referral.PersonID, before, after referral.Score) {
	if before.Zone == after.Zone {
		report.Same[before.Zone]++
		return
	}
	change := before.Zone + "_" + after.Zone
	report.Changes[change]++
	if len(report.Pairs) < shadowPairs {
		report.Pairs = append(report.Pairs, store.ShadowPair{A: min(p, q), B: max(p, q), Change: change, Before: before.P, After: after.P})
	}
}
