package upkeep_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	sharedrules "github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/intake/match"
	"github.com/hearthfps/hearth/services/intake/match/population"
	"github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
	"github.com/hearthfps/hearth/services/intake/rules"
	"github.com/hearthfps/hearth/services/intake/upkeep"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// agency is lakeland's intake without its API: reception and upkeep on one database.
type agency struct {
	t         testing.TB
	ctx       context.Context
	db        *kit.DB
	reception *reception.Reception
	upkeep    *upkeep.Upkeep
	log       *bytes.Buffer
}

func newAgency(t testing.TB) *agency {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c := clock.NewManual(noon)
	db, _ := testkit.Database(t, postgres.Migrations, testkit.WithClock(c))
	id, err := tenant.Parse("lakeland")
	must(err)
	book, err := rules.Load(rules.Files)
	must(err)
	shared, err := fs.Sub(specs.Rules, "rules")
	must(err)
	bundle, err := sharedrules.LoadBundle(shared)
	must(err)
	indexes, err := postgres.NewIndexes()
	must(err)
	a := &agency{t: t, ctx: tenant.With(t.Context(), id), db: db, log: &bytes.Buffer{}}
	a.reception = &reception.Reception{
		DB: db, Clock: c, Indexes: indexes, Desk: &referral.Desk{RuleBook: book, IDs: reception.UUIDs{}},
		Agency: func(id tenant.AgencyID) (*referral.Agency, error) {
			a, err := bundle.Agency(id)
			if err != nil {
				return nil, err
			}
			return &referral.Agency{Country: a.Country, Calendar: a.Calendar, Languages: a.Languages}, nil
		},
		Guard: func(context.Context, *kit.Tx) error { return nil },
	}
	a.upkeep = &upkeep.Upkeep{DB: db, Indexes: indexes, Clock: c, NewID: reception.NewID, Log: slog.New(slog.NewJSONHandler(a.log, nil)), Agencies: func() []tenant.AgencyID { return []tenant.AgencyID{id} }}
	return a
}

// settle has upkeep work until there is nothing more to do.
func (a *agency) settle() {
	a.t.Helper()
	for busy := true; busy; {
		var err error
		if busy, err = a.upkeep.Pass(a.ctx); err != nil {
			a.t.Fatal(err)
		}
	}
}

func (a *agency) column(query string, args ...any) []string {
	a.t.Helper()
	var rows []string
	if err := a.db.InTenant(a.ctx, func(ctx context.Context, tx *kit.Tx) error {
		rows = nil
		return tx.SelectContext(ctx, &rows, query, args...)
	}); err != nil {
		a.t.Fatal(err)
	}
	return rows
}

func (a *agency) exec(query string, args ...any) {
	a.t.Helper()
	if err := a.db.InTenant(a.ctx, func(ctx context.Context, tx *kit.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}); err != nil {
		a.t.Fatal(err)
	}
}

func (a *agency) read(raw string) reception.Reading { return a.reception.Read(a.ctx, []byte(raw)) }

func (a *agency) receive(raw ...string) {
	a.t.Helper()
	var readings []reception.Reading
	for _, r := range raw {
		readings = append(readings, a.read(r))
	}
	verdicts, err := a.reception.Receive(a.ctx, reception.ViaHTTP, readings)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Status != referral.VerdictAccepted {
			a.t.Fatalf("%s %v", v.Status, v.Problems)
		}
	}
}

type object = map[string]any

func submission(id string, persons ...object) string {
	for i, p := range persons {
		p["ref"] = fmt.Sprint("p", i+1)
		if p["role"] == nil {
			p["role"] = "child"
		}
	}
	raw, err := json.Marshal(object{"specversion": "1.0", "id": id, "source": "/systems/school/one", "type": "org.hearth.referral.submitted.v1", "time": "2026-11-20T08:00:00Z", "data": object{
		"external_id": id, "received_at": "2026-11-20T08:00:00Z", "channel": "school", "kind": "notification", "persons": persons,
	}})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func correction(id, of string, changes object) string {
	raw, err := json.Marshal(object{
		"specversion": "1.0", "id": id, "source": "/systems/school/one", "type": "org.hearth.referral.corrected.v1", "time": "2026-11-20T09:00:00Z",
		"data": object{"corrects": object{"source": "/systems/school/one", "id": of}, "changes": changes},
	})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func ada(given string) object {
	return object{
		"name": object{"given": []string{given}, "family": "Lehtovaara"}, "birth_date": "2015-02-03",
		"addresses": []object{{"lines": []string{"Katu 1"}, "city": "Oulu", "postal_code": "90100"}},
	}
}

const openPairs = `SELECT person_a || ' ' || person_b FROM match_candidate WHERE state = 'open' ORDER BY 1`

// Two transactions that make one person known at once, neither seeing the other,
// make two persons; the pair is asked about as soon as both are there. One name
// alone is waited for: then the second finds the first.
func TestUpkeep_TheSamePersonMadeKnownTwiceAtOnceIsAskedAbout(t *testing.T) {
	a := newAgency(t)
	a.settle() // from here on
	first, second := a.read(submission("a", ada("Aada"))), a.read(submission("b", ada("Ada")))
	release, loaded, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	agency := func() *referral.Agency {
		got, err := a.reception.Agency(mustTenant(t, a.ctx))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}()
	go func() { // one that has looked, and not saved yet
		done <- a.db.InTenant(a.ctx, func(ctx context.Context, tx *kit.Tx) error {
			book, err := postgres.LoadBook(ctx, tx, []referral.Event{first.Event}, a.reception.Indexes)
			if err != nil {
				return err
			}
			close(loaded)
			<-release
			if _, err := a.reception.Desk.Receive(book, first.Event, "", agency, noon); err != nil {
				return err
			}
			return postgres.SaveBook(ctx, tx, book, []postgres.Arrival{{Event: first.Event, Via: "http"}}, noon, reception.NewID)
		})
	}()
	<-loaded
	if _, err := a.reception.Receive(a.ctx, reception.ViaHTTP, []reception.Reading{second}); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := a.column(`SELECT person_id FROM person`); len(got) != 2 {
		t.Fatalf("%d persons; the test wants two transactions that do not see each other", len(got))
	}
	a.exec(`UPDATE match_index SET swept_to = '0'`)
	// Whose transaction may still be under way is left for later.
	a.settle()
	if got := a.column(openPairs); len(got) != 0 {
		t.Errorf("asked before both are sure to be committed: %v", got)
	}
	a.older(time.Minute)
	a.settle()
	got := a.column(openPairs)
	if len(got) != 1 {
		t.Fatalf("%d pairs are asked about, want the one", len(got))
	}
	a.exec(`UPDATE match_index SET swept_to = '0'`)
	a.settle()
	if again := a.column(openPairs); strings.Join(again, ",") != strings.Join(got, ",") {
		t.Errorf("asked again: %v", again)
	}
}

func mustTenant(t *testing.T, ctx context.Context) tenant.AgencyID {
	t.Helper()
	id, ok := tenant.From(ctx)
	if !ok {
		t.Fatal("no agency")
	}
	return id
}

// older makes every person one that was made known earlier: the number of a person
// begins with the time.
func (a *agency) older(by time.Duration) {
	a.t.Helper()
	ids := a.column(`SELECT person_id FROM person`)
	for _, id := range ids {
		head, err := postgres.Earlier(id, by)
		if err != nil {
			a.t.Fatal(err)
		}
		now := head + id[len(head):]
		a.exec(`INSERT INTO person (person_id, version, origin, name, birth_date, sex, languages, contacts, addresses, identifiers) SELECT $2, version, origin, name, birth_date, sex, languages, contacts, addresses, identifiers FROM person WHERE person_id = $1`, id, now)
		a.exec(`UPDATE referral_person SET person_id = $2 WHERE person_id = $1`, id, now)
		a.exec(`UPDATE household_member SET person_id = $2 WHERE person_id = $1`, id, now)
		a.exec(`DELETE FROM person_index WHERE person = $1::uuid`, id)
		a.exec(`DELETE FROM person WHERE person_id = $1`, id)
	}
}

// A correction changes no link. Whom it makes like somebody known, and whom it
// adds, is asked about.
func TestUpkeep_ACorrectionLinksNobodyAndAsks(t *testing.T) {
	a := newAgency(t)
	a.receive(submission("known", ada("Aada")))
	other := ada("Venla")
	other["birth_date"], other["name"].(object)["family"] = "1988-06-07", "Mäkipää"
	other["addresses"] = []object{{"lines": []string{"Tie 9"}, "city": "Oulu", "postal_code": "90500"}}
	a.receive(submission("wrong", other))
	links := `SELECT referral_id || ref || person_id || basis FROM referral_person ORDER BY 1`
	before := a.column(links)
	a.settle()
	if got := a.column(openPairs); len(got) != 0 {
		t.Fatalf("asked about two strangers: %v", got)
	}
	corrected := ada("Aada")
	corrected["ref"], corrected["role"] = "p1", "child"
	a.receive(correction("c", "wrong", object{"persons": []object{corrected}}))
	a.settle()
	if after := a.column(links); strings.Join(after, ",") != strings.Join(before, ",") {
		t.Errorf("a correction changed links: %v, then %v", before, after)
	}
	first := a.column(openPairs)
	if len(first) != 1 {
		t.Fatalf("%d pairs asked about, want the one the correction made", len(first))
	}
	// Other facts, another question in place of the one before.
	corrected["birth_date"] = "2015-03-02"
	a.receive(correction("c2", "wrong", object{"persons": []object{corrected}}))
	a.settle()
	if states := a.column(`SELECT state FROM match_candidate ORDER BY created_at, pair_id`); strings.Join(states, ",") != "superseded,open" {
		t.Errorf("questions %v", states)
	}
}

// families sends n referrals of families, most of which come again with slips: the
// generator's records of one household, three at a time.
func (a *agency) families(n int) {
	a.t.Helper()
	var stream bytes.Buffer
	set := population.Default(3*n, 11)
	var persons []object
	sent := 0
	population.Generate(population.BuiltIn(), set, func(p *match.Person, _ int) {
		one := object{"name": object{"given": p.Given, "family": p.Family}, "birth_date": p.BirthDate.String(), "role": "caregiver"}
		if p.BirthDate.IsZero() || p.BirthDate.Year > 2025 || p.BirthDate.Month > 12 || p.BirthDate.Day > 28 || (p.BirthDate.Month == 0) != (p.BirthDate.Day == 0) {
			delete(one, "birth_date")
		}
		for _, x := range p.Addresses {
			one["addresses"] = []object{{"lines": x.Lines, "city": x.City, "postal_code": x.PostalCode}}
		}
		for _, c := range p.Contacts {
			if c.Kind == match.Phone {
				one["contacts"] = []object{{"kind": "phone", "value": c.Value}}
			}
		}
		if persons = append(persons, one); len(persons) == 3 {
			stream.WriteString(submission(fmt.Sprint("f", sent), persons...) + "\n")
			persons, sent = nil, sent+1
		}
	})
	if err := a.reception.Import(a.ctx, &stream, func() {}, func(line int, v referral.Verdict) error {
		if v.Status != referral.VerdictAccepted {
			return fmt.Errorf("line %d: %v", line, v.Problems)
		}
		return nil
	}, func() error { return nil }); err != nil {
		a.t.Fatal(err)
	}
}

func (a *agency) queue(id string) {
	a.t.Helper()
	if err := a.db.InTenant(a.ctx, func(ctx context.Context, tx *kit.Tx) error {
		return postgres.AddJob(ctx, tx, postgres.MatchJob{ID: id, AskedBy: "admin-1", AskedAt: noon})
	}); err != nil {
		a.t.Fatal(err)
	}
}

// A model is learnt, its keys built beside those in use while persons are saved, and
// what would change reported; in use it finds everybody, and so does going back.
func TestUpkeep_ModelLearntBuiltComparedActivatedAndTakenBack(t *testing.T) {
	a := newAgency(t)
	a.families(250)
	a.queue("job-1")
	saved := 0
	state := func() string { return a.column(`SELECT state FROM match_job`)[0] }
	for state() != postgres.JobDone && state() != postgres.JobFailed {
		if _, err := a.upkeep.Pass(a.ctx); err != nil {
			t.Fatal(err)
		}
		saved++
		a.receive(submission(fmt.Sprint("meanwhile", saved), ada(fmt.Sprint("Ada", string(rune('a'+saved%26))))))
	}
	if state() != postgres.JobDone {
		t.Fatalf("job %s %s: %s", state(), a.column(`SELECT coalesce(reason_code, '') FROM match_job`), a.log)
	}
	var report postgres.ShadowReport
	if err := json.Unmarshal([]byte(a.column(`SELECT report FROM match_job`)[0]), &report); err != nil {
		t.Fatal(err)
	}
	if report.Persons < 200 || len(report.Same) == 0 {
		t.Errorf("report %+v", report)
	}
	t.Logf("compared %d persons: alike %v, otherwise %v", report.Persons, report.Same, report.Changes)
	everybody := func(generation string) {
		t.Helper()
		if lost := a.column(`SELECT p.person_id FROM person p WHERE NOT EXISTS (SELECT FROM person_index i WHERE i.person = p.person_id::uuid AND i.generation = ` + generation + `)
			AND (p.addresses LIKE '%"lines":["%' AND length(p.birth_date) = 10 AND p.name LIKE '%family%')`); len(lost) > 0 {
			t.Errorf("%d persons have no key of the generation", len(lost))
		}
	}
	everybody(`(SELECT other_generation FROM match_index)`)

	model := a.column(`SELECT other_model_id FROM match_index`)[0]
	swap := func() {
		t.Helper()
		if err := a.db.InTenant(a.ctx, func(ctx context.Context, tx *kit.Tx) error {
			_, err := a.reception.Indexes.Change(ctx, tx, noon, func(r *postgres.IndexRow) error {
				r.Model, r.OtherModel, r.Generation, r.OtherGeneration, r.OtherState = r.OtherModel, r.Model, r.OtherGeneration, r.Generation, "previous"
				return nil
			})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	swap()
	a.receive(submission("by the new model", ada("Aada")), submission("again", ada("Aada")))
	if got := a.column(`SELECT l.basis || ' ' || coalesce(l.model, '') FROM referral_person l JOIN referral r USING (agency_id, referral_id) WHERE r.event_id = 'again'`); got[0] != "linked "+model && !strings.HasPrefix(got[0], "asked") {
		t.Errorf("the second is %s, want linked by %s", got[0], model)
	}
	everybody(`(SELECT generation FROM match_index)`)
	swap()
	everybody(`(SELECT generation FROM match_index)`)
	a.receive(submission("back again", ada("Aada")))
	if got := a.column(`SELECT coalesce(l.model, 'none') FROM referral_person l JOIN referral r USING (agency_id, referral_id) WHERE r.event_id = 'back again'`); got[0] == model {
		t.Errorf("still linked by %s", model)
	}
}

// What cannot be learnt from is refused, and said: the model in use stays.
func TestUpkeep_RefusesToLearnFromTooLittle(t *testing.T) {
	a := newAgency(t)
	a.receive(submission("a", ada("Aada")))
	a.queue("job-1")
	a.settle()
	if got := a.column(`SELECT state || ' ' || reason_code FROM match_job`); got[0] != "failed too_few_reports" {
		t.Errorf("got %v", got)
	}
	if !strings.Contains(a.log.String(), "no model was learnt") {
		t.Error("nobody was told")
	}
	if got := a.column(`SELECT model_id || coalesce(other_model_id, '-') FROM match_index`); got[0] != a.reception.Indexes.BuiltIn().ID()+"-" {
		t.Errorf("index %v", got)
	}
}

// Persons of before there was an index are put in it.
func TestUpkeep_IndexesWhoWasKnownBefore(t *testing.T) {
	a := newAgency(t)
	a.receive(submission("a", ada("Aada")))
	a.exec(`DELETE FROM person_index`)
	a.settle()
	a.receive(submission("b", ada("Aada")))
	if got := a.column(`SELECT basis FROM referral_person ORDER BY referral_id DESC`); got[0] != referral.BasisLinked {
		t.Errorf("not found again: %v", got)
	}
}

// Across a seal nobody is linked, and nothing asked; once it is lifted, it is.
func TestUpkeep_ASealIsAWallUntilItIsLifted(t *testing.T) {
	a := newAgency(t)
	a.receive(submission("a", ada("Aada")))
	sealed := referral.PersonID(a.column(`SELECT person_id FROM person`)[0])
	seal := func(why string) {
		t.Helper()
		if err := a.db.InTenant(a.ctx, func(ctx context.Context, tx *kit.Tx) error { return postgres.SaveSeal(ctx, tx, sealed, why) }); err != nil {
			t.Fatal(err)
		}
		a.settle()
	}
	seal(referral.SealAdoption)
	a.receive(submission("b", ada("Aada")))
	a.settle()
	if got := a.column(`SELECT basis FROM referral_person ORDER BY referral_id`); got[1] != referral.BasisNew {
		t.Errorf("linked across a seal: %v", got)
	}
	if got := a.column(`SELECT pair_id FROM match_candidate`); len(got) != 0 {
		t.Errorf("%d pairs asked about across a seal", len(got))
	}
	for range 2 { // what was asked before it was sealed again is asked again
		seal("")
		if got := a.column(openPairs); len(got) != 1 {
			t.Errorf("%d pairs asked about once it was lifted, want 1", len(got))
		}
		seal(referral.SealProtected)
		if got := a.column(openPairs); len(got) != 0 {
			t.Errorf("%d pairs asked about across a seal", len(got))
		}
	}
}

// An agency whose persons are kept by the keys of the built-in model of before has
// those of today's built beside them, by whom its persons are found as soon as they are
// complete; whoever is saved meanwhile is found throughout, and the old keys go.
func TestUpkeep_RenewsTheKeysOfTheBuiltInModel(t *testing.T) {
	a := newAgency(t)
	a.exec(`INSERT INTO match_index (version, model_id, generation, changed_by, changed_at) VALUES (0, '', 1, 'upkeep', now())`)
	a.families(300)
	a.receive(submission("known before", ada("Aada")))
	today := a.reception.Indexes.BuiltIn().ID()
	earlier := a.column(`SELECT DISTINCT model FROM referral_person WHERE model IS NOT NULL`)
	state := func() string {
		return a.column(`SELECT model_id || ' ' || generation || ' ' || coalesce(other_model_id, '') || ' ' || coalesce(other_state, '') FROM match_index`)[0]
	}
	again := 0
	found := func() {
		t.Helper()
		again++
		id := fmt.Sprint("again ", again)
		a.receive(submission(id, ada("Aada")))
		if got := a.column(`SELECT basis FROM referral_person JOIN referral USING (agency_id, referral_id) WHERE event_id = $1`, id); got[0] != referral.BasisLinked {
			t.Fatalf("in state %q somebody known is %s, want linked", state(), got[0])
		}
		a.receive(submission(id+" new", object{"name": object{"given": []string{"Bo"}, "family": fmt.Sprint("Nykvist", string(rune('a'+again)))}, "birth_date": "2011-02-03"}))
	}
	found()
	seen := map[string]bool{}
	for busy := true; busy; {
		var err error
		if busy, err = a.upkeep.Pass(a.ctx); err != nil {
			t.Fatal(err)
		}
		seen[state()] = true
		found()
	}
	for _, want := range []string{" 1 " + today + " building", today + " 2 " + today + " building", today + " 2  "} {
		if !seen[want] {
			t.Errorf("no state %q among %v", want, seen)
		}
	}
	if len(earlier) != 1 || earlier[0] == today {
		t.Errorf("links before name %v, want the model of before", earlier)
	}
	if got := a.column(`SELECT DISTINCT generation FROM person_index`); len(got) != 1 || got[0] != "2" {
		t.Errorf("keys of generations %v, want 2 alone", got)
	}
	if lost := a.column(`SELECT person_id FROM person WHERE length(birth_date) = 10 AND name LIKE '%family%' AND person_id::uuid NOT IN (SELECT person FROM person_index)`); len(lost) > 0 {
		t.Errorf("%d persons have no keys", len(lost))
	}
	found()
	if got := a.column(`SELECT model FROM referral_person WHERE model IS NOT NULL ORDER BY referral_id DESC LIMIT 1`); got[0] != today {
		t.Errorf("linked by %s, want today's", got[0])
	}
}

// What a process remembers of those it made known is what another reads of them.
func TestIndexes_WhoWasMadeKnownIsReadAsItIsRemembered(t *testing.T) {
	a := newAgency(t)
	venla := ada("Venla")
	venla["birth_date"], venla["name"].(object)["family"] = "1988-06-07", "Mäkipää"
	a.receive(submission("a", ada("Aada"), venla))
	other, err := postgres.NewIndexes()
	if err != nil {
		t.Fatal(err)
	}
	between := func(x *postgres.Indexes) (all []postgres.MadeKnown) {
		if err := a.db.InTenant(a.ctx, func(ctx context.Context, tx *kit.Tx) error {
			by, err := x.Of(ctx, tx)
			if err != nil {
				return err
			}
			all, err = x.MadeKnownBetween(ctx, tx, by, "", postgres.AfterAll, 10)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	remembered := between(a.reception.Indexes)
	if diff := cmp.Diff(between(other), remembered); diff != "" || len(remembered) != 2 {
		t.Errorf("%d (-read +remembered):\n%s", len(remembered), diff)
	}
	// A name that was changed behind its back tells one from the other.
	a.exec(`UPDATE person SET name = replace(name, 'Aada', 'Iida')`)
	if diff := cmp.Diff(remembered, between(a.reception.Indexes)); diff != "" {
		t.Errorf("it was read, and not remembered:\n%s", diff)
	}
	if diff := cmp.Diff(remembered, between(other)); diff == "" {
		t.Error("the other does not read")
	}
}
