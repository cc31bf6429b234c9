// Package upkeep keeps the person index true in the background: it compares anew
// those whose facts changed and those made known at one time, and learns models,
// builds their keys and compares them with the one in use.
//
// Guarantees:
//
//  1. It links nobody. What it finds becomes a question for a person.
//  2. Two transactions that made the same new person known at once, neither seeing
//     the other, are found within seconds, and the pair is asked about.
//  3. A person a correction changed or added is compared with all they may be; the
//     links that stand stay as they are.
//  4. While a model's keys are built whoever is saved gets both models' keys, and is
//     found by the one in use as before.
//  5. Any number of replicas may run it; each piece of work is done by one.
package upkeep

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/intake/index"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Upkeep looks after the index of every agency.
type Upkeep struct {
	DB       *postgres.DB
	Indexes  *store.Indexes
	Clock    clock.Clock
	Agencies func() []tenant.AgencyID
	NewID    func() string
	Log      *slog.Logger

	windows map[tenant.AgencyID]window // of Run's goroutine
}

const (
	// every is how often it looks whether there is something to do.
	every = time.Second
	// A transaction that makes persons known is over within settled, as a rule in
	// some milliseconds; one that takes longer has its persons compared anew.
	settled = 2 * store.LongTransaction
	// persons looked at in one transaction.
	recheckMost = 25
	sweepMost   = 5000
)

// Run works until ctx ends. What fails is told and tried again.
func (u *Upkeep) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		busy := false
		for _, agency := range u.Agencies() {
			more, err := u.Pass(tenant.With(ctx, agency))
			if err != nil && ctx.Err() == nil {
				u.Log.WarnContext(ctx, "the person index cannot be looked after", "agency", agency.String(), "error", postgres.Describe(err))
			}
			busy = busy || more && err == nil
		}
		if busy && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Pass does one piece of each kind of work for the agency of ctx; busy says that
// there may be more.
func (u *Upkeep) Pass(ctx context.Context) (busy bool, err error) {
	if u.windows == nil {
		u.windows = map[tenant.AgencyID]window{}
	}
	if err := u.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error { return u.Indexes.EnsureRow(ctx, tx, u.Clock.Now()) }); err != nil {
		return false, err
	}
	for _, work := range []func(context.Context) (bool, error){u.recheck, u.sweep, u.build, u.job} {
		more, err := work(ctx)
		if err != nil {
			return false, err
		}
		busy = busy || more
	}
	return busy, nil
}

// recheck compares anew those whose facts changed.
func (u *Upkeep) recheck(ctx context.Context) (busy bool, err error) {
	err = u.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		persons, err := store.TakeRecheck(ctx, tx, recheckMost)
		if err != nil {
			return err
		}
		busy = len(persons) == recheckMost
		by, err := u.Indexes.Of(ctx, tx)
		if err != nil {
			return err
		}
		if err := store.SaveKeys(ctx, tx, persons, by.Keep); err != nil { // of whoever was sealed or is no more
			return err
		}
		var questions []referral.Question
		for _, p := range persons {
			_, found, err := u.Indexes.Search(ctx, tx, p)
			if err != nil {
				return err
			}
			others := make([]*referral.Person, len(found))
			for i, f := range found {
				others[i] = f.Person
			}
			asked, err := u.ask(ctx, tx, by, p, others)
			if err != nil {
				return err
			}
			questions = append(questions, asked...)
		}
		return store.SaveQuestions(ctx, tx, questions, u.Clock.Now(), u.NewID)
	})
	return busy, err
}

// ask compares a person with others and gives the questions there are: not about
// those reported together, nor about those who are one already.
func (u *Upkeep) ask(ctx context.Context, tx *postgres.Tx, by *index.Index, p *referral.Person, others []*referral.Person) ([]referral.Question, error) {
	var questions []referral.Question
	var ids []referral.PersonID
	for _, q := range others {
		if q.ID == p.ID {
			continue
		}
		if s, ok := index.Compare(by.Live, p, q); ok && index.Together(s) {
			questions = append(questions, referral.Ask(p, q, s, ""))
			ids = append(ids, q.ID)
		}
	}
	if len(questions) == 0 {
		return nil, nil
	}
	together, err := store.ReportedTogether(ctx, tx, p.ID)
	if err != nil {
		return nil, err
	}
	one, err := store.IdentitiesOf(ctx, tx, append(ids, p.ID))
	if err != nil {
		return nil, err
	}
	kept := questions[:0]
	for _, q := range questions {
		other := q.A
		if other == p.ID {
			other = q.B
		}
		if !together[other] && (one[other] != one[p.ID] || one[other] == "") {
			kept = append(kept, q)
		}
	}
	return kept, nil
}

// window is who was made known last, as far as was swept.
type window struct {
	to      string
	persons []store.MadeKnown
}

// sweep compares those made known at about one time: each transaction saw what was
// committed before it, and not the others on their way.
func (u *Upkeep) sweep(ctx context.Context) (busy bool, err error) {
	agency, _ := tenant.From(ctx)
	var next window
	err = u.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		next = window{}
		by, err := u.Indexes.Of(ctx, tx)
		if err != nil {
			return err
		}
		busy, err = u.Indexes.Sweep(ctx, tx, by, settled, sweepMost, func(from string, fresh []store.MadeKnown) error {
			first, err := store.Earlier(string(fresh[0].ID), settled)
			if err != nil {
				return err
			}
			before := u.windows[agency].persons
			if u.windows[agency].to != from { // another replica swept last, or nobody
				if before, err = u.Indexes.MadeKnownBetween(ctx, tx, by, first, string(fresh[0].ID), sweepMost); err != nil {
					return err
				}
			}
			for len(before) > 0 && string(before[0].ID) < first {
				before = before[1:]
			}
			questions, err := u.askAll(ctx, tx, by, byKey(fresh, before))
			if err != nil {
				return err
			}
			next = window{to: string(fresh[len(fresh)-1].ID), persons: slices.Concat(before, fresh)}
			return store.SaveQuestions(ctx, tx, questions, u.Clock.Now(), u.NewID)
		})
		return err
	})
	if err == nil && next.to != "" {
		u.windows[agency] = next
	}
	return busy, err
}

// askAll compares persons each with others.
func (u *Upkeep) askAll(ctx context.Context, tx *postgres.Tx, by *index.Index, alike map[referral.PersonID][]referral.PersonID) ([]referral.Question, error) {
	if len(alike) == 0 {
		return nil, nil
	}
	var ids []referral.PersonID
	for id, others := range alike {
		ids = append(append(ids, id), others...)
	}
	slices.Sort(ids)
	known, err := store.Persons(ctx, tx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	var questions []referral.Question
	for _, id := range slices.Sorted(maps.Keys(alike)) {
		var others []*referral.Person
		for _, other := range alike[id] {
			if q := known[other]; q != nil {
				others = append(others, q)
			}
		}
		if known[id] == nil {
			continue
		}
		asked, err := u.ask(ctx, tx, by, known[id], others)
		if err != nil {
			return nil, err
		}
		questions = append(questions, asked...)
	}
	return questions, nil
}

// byKey gives, of the fresh, each who shares a key with somebody of another referral
// made known before them, and those.
func byKey(fresh, before []store.MadeKnown) map[referral.PersonID][]referral.PersonID {
	times := make(map[int64]int32, 8*len(fresh)) // a key is of one of the fresh and nobody else, nearly always
	for i := range fresh {
		for _, k := range fresh[i].Keys {
			times[k]++
		}
	}
	known := map[int64][]*store.MadeKnown{}
	for i := range before {
		for _, k := range before[i].Keys {
			if times[k] > 0 {
				known[k] = append(known[k], &before[i])
			}
		}
	}
	found := map[referral.PersonID][]referral.PersonID{}
	for i := range fresh {
		p := &fresh[i]
		for _, k := range p.Keys {
			others := known[k]
			for _, q := range others[max(0, len(others)-referral.MostOfKey):] {
				if q.Origin != p.Origin && !slices.Contains(found[p.ID], q.ID) {
					found[p.ID] = append(found[p.ID], q.ID)
				}
			}
			if times[k] > 1 {
				known[k] = append(others, p)
			}
		}
	}
	return found
}
