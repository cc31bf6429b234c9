package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/timers"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// ClockTimer is the kind of timer that lets a clock run out; its id is the clock's.
const ClockTimer = "intake.clock"

// Arrival is how an event that was taken in came.
type Arrival struct {
	Event referral.Event
	Via   string // http, import, kafka
	Trace string
}

const (
	insertEventsSQL = `INSERT INTO inbound_event (source, event_id, receipt_id, kind, event_time, target_source, target_id, referral_id, status, problems, content_hash, document, wants_feedback, via, trace, arrived_at)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[], $12::text[], $13::boolean[], $14::text[], $15::text[], $16::timestamptz[])`

	updateEventSQL = `UPDATE inbound_event SET referral_id = nullif($3, ''), status = $4, problems = $5 WHERE source = $1 AND event_id = $2`

	insertReportersSQL = `INSERT INTO reporter (receipt_id, details) SELECT * FROM unnest($1::text[], $2::text[])`

	insertPersonsSQL = `INSERT INTO person (person_id, version, origin, name, birth_date, sex, languages, contacts, addresses, identifiers, unborn, multiple_birth)
		SELECT person_id, version, origin, name, birth_date, sex, languages::text[], contacts, addresses, identifiers, unborn, multiple_birth
		FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::boolean[], $12::boolean[])
			AS u (person_id, version, origin, name, birth_date, sex, languages, contacts, addresses, identifiers, unborn, multiple_birth)`

	updatePersonSQL = `UPDATE person SET version = version + 1, name = $3, birth_date = $4, sex = $5, languages = $6::text[], contacts = $7, addresses = $8, identifiers = $9, aliases = nullif($10, ''), multiple_birth = $11
		WHERE person_id = $1 AND version = $2`

	// The keys of one person are named once, and sorted by the index's own order.
	insertKeysSQL = `INSERT INTO person_index (generation, key, person) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::uuid[])`

	// The persons of a transaction that took long may have been made known by others
	// meanwhile, and are looked at anew.
	recheckLongSQL = `INSERT INTO match_recheck (person_id) SELECT unnest($1::text[]) WHERE clock_timestamp() - transaction_timestamp() > make_interval(secs => $2) ON CONFLICT DO NOTHING`

	recheckSQL = `INSERT INTO match_recheck (person_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`

	insertQuestionsSQL = `INSERT INTO match_candidate (pair_id, person_a, person_b, model, log_odds, probability, zone, reasons, evidence, facts_hash, origin_referral, created_at)
		SELECT pair_id, person_a, person_b, model, log_odds, probability, zone, reasons::text[], evidence, facts_hash, nullif(origin_referral, ''), created_at
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::real[], $6::float8[], $7::text[], $8::text[], $9::text[], $10::bytea[], $11::text[], $12::timestamptz[])
			AS u (pair_id, person_a, person_b, model, log_odds, probability, zone, reasons, evidence, facts_hash, origin_referral, created_at)
		ON CONFLICT (agency_id, person_a, person_b, facts_hash) DO UPDATE SET state = 'open' WHERE match_candidate.state = 'superseded'`

	insertReferralsSQL = `INSERT INTO referral (referral_id, version, status, receipt_id, source, event_id, received_at, arrived_at, channel, kind, urgency, requested_program,
			concern_codes, safety_flags, wants_feedback, household_id, document, priority, urgent, due_at, priority_decision, withdrawn_at, trace)
		SELECT referral_id, version, status, receipt_id, source, event_id, received_at, arrived_at, channel, kind, urgency, nullif(requested_program, ''),
			concern_codes::text[], safety_flags::text[], wants_feedback, household_id, nullif(document, ''), priority, urgent, due_at, priority_decision, withdrawn_at, trace
		FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[],
			$13::text[], $14::text[], $15::boolean[], $16::text[], $17::text[], $18::text[], $19::boolean[], $20::timestamptz[], $21::text[], $22::timestamptz[], $23::text[])
			AS u (referral_id, version, status, receipt_id, source, event_id, received_at, arrived_at, channel, kind, urgency, requested_program,
				concern_codes, safety_flags, wants_feedback, household_id, document, priority, urgent, due_at, priority_decision, withdrawn_at, trace)`

	updateReferralSQL = `UPDATE referral SET version = $2, status = $3, received_at = $4, channel = $5, kind = $6, urgency = $7, requested_program = nullif($8, ''),
			concern_codes = $9::text[], safety_flags = $10::text[], wants_feedback = $11, document = nullif($12, ''), priority = $13, urgent = $14, due_at = $15,
			priority_decision = $16, priority_asked = nullif($17, ''), taken_by = nullif($18, ''), taken_at = $19, withdrawn_at = $20, screening = nullif($21, ''), case_id = nullif($22, '')
		WHERE referral_id = $1`

	forgetLinksSQL = `DELETE FROM referral_person WHERE referral_id = $1 AND ref <> ALL($2)`

	insertLinksSQL = `INSERT INTO referral_person (referral_id, ref, person_id, role, basis, model, log_odds, evidence)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::real[], $8::text[])`

	// A ref that stays keeps its person, and why.
	overLinksSQL = ` ON CONFLICT (agency_id, referral_id, ref) DO UPDATE SET role = excluded.role`

	insertMembersSQL = `INSERT INTO household_member (household_id, person_id) SELECT * FROM unnest($1::text[], $2::text[])`

	insertClocksSQL = `INSERT INTO response_clock (clock_id, referral_id, clock, met_by, state, started_at, due_at, met_at, expired_at, rule_version)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::text[])`

	overClocksSQL = ` ON CONFLICT (agency_id, clock_id) DO UPDATE SET state = excluded.state, due_at = excluded.due_at, met_at = excluded.met_at, expired_at = excluded.expired_at, rule_version = excluded.rule_version`

	// Said only of what may be there: to look first costs as much as half the insert.
	unlessThereSQL = ` ON CONFLICT DO NOTHING`

	insertHistorySQL = `INSERT INTO referral_history (referral_id, at, what, by, receipt_id, codes)
		SELECT referral_id, at, what, by, nullif(receipt_id, ''), codes FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[]) AS u (referral_id, at, what, by, receipt_id, codes)`

	insertQuarantineSQL = `INSERT INTO quarantined_event (quarantine_id, reason, origin, via, source, event_id, receipt_id, problems, body, arrived_at)
		VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8, $9, $10) ON CONFLICT DO NOTHING`
)

// SaveBook stores what a group of arrivals changed and publishes what is to be
// said of it: one round trip. now is
// when they arrived; newID makes the ids of what is put in quarantine.
func SaveBook(ctx context.Context, tx *postgres.Tx, b *referral.Book, arrivals []Arrival, now time.Time, newID func() string) error {
	w := &writer{batch: &pgx.Batch{}}
	if err := w.events(b, arrivals, now, newID); err != nil {
		return err
	}
	w.persons(b.People, b.Matcher)
	w.questions(b.People.Questions(), now, newID)
	var changed []*referral.Referral
	for _, rf := range b.Referrals {
		if rf.IsNew() || rf.Changed() || len(rf.Pending().Announcements) > 0 {
			changed = append(changed, rf)
		}
	}
	w.referrals(changed)
	w.samples(changed, b.SampleShare, now, newID)
	return w.flush(ctx, tx, changed)
}

// SaveReferral stores a referral that was loaded for change, and publishes what
// is to be said of it.
func SaveReferral(ctx context.Context, tx *postgres.Tx, rf *referral.Referral) error {
	w := &writer{batch: &pgx.Batch{}}
	w.referrals([]*referral.Referral{rf})
	return w.flush(ctx, tx, []*referral.Referral{rf})
}

type writer struct {
	batch  *pgx.Batch
	checks []func(affected int64) error
}

func (w *writer) queue(query string, args ...any) { w.queueChecked(nil, query, args...) }

func (w *writer) queueChecked(check func(int64) error, query string, args ...any) {
	w.batch.Queue(query, args...)
	w.checks = append(w.checks, check)
}

// flush sends the rows, the outbox and the timers in one round trip.
func (w *writer) flush(ctx context.Context, tx *postgres.Tx, changed []*referral.Referral) error {
	var drafts []events.Draft
	for _, rf := range changed {
		for _, a := range rf.Pending().Announcements {
			drafts = append(drafts, events.Draft{Type: a.Type, Subject: a.Subject, Key: a.Key, Version: a.Version, Trace: a.Trace, Data: a.Data})
		}
	}
	running, stopped := clockTimers(changed)
	published, err := events.QueuePublish(ctx, tx, w.batch, drafts...)
	if err != nil {
		return err
	}
	set, err := timers.QueueSet(ctx, tx, w.batch, running...)
	if err != nil {
		return err
	}
	for _, queued := range []bool{published, set} {
		if queued {
			w.checks = append(w.checks, nil)
		}
	}
	if w.batch.Len() > 0 {
		if err := tx.SendBatch(ctx, w.batch, func(results pgx.BatchResults) error {
			for _, check := range w.checks {
				tag, err := results.Exec()
				if err == nil && check != nil {
					err = check(tag.RowsAffected())
				}
				if err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	for _, id := range stopped {
		if err := timers.Cancel(ctx, tx, ClockTimer, id); err != nil {
			return err
		}
	}
	return nil
}

// clockTimers are a timer for each clock that runs, and those to cancel of
// clocks that no longer do.
func clockTimers(changed []*referral.Referral) (running []timers.Draft, stopped []string) {
	for _, rf := range changed {
		for _, c := range rf.Clocks {
			switch {
			case !c.Changed():
			case c.State == referral.ClockRunning:
				running = append(running, timers.Draft{Kind: ClockTimer, ID: string(c.ID), DueAt: c.DueAt, Subject: string(rf.ID), Trace: rf.Trace})
			case !rf.IsNew():
				stopped = append(stopped, string(c.ID))
			}
		}
	}
	return running, stopped
}

func (w *writer) events(b *referral.Book, arrivals []Arrival, now time.Time, newID func() string) error {
	how := map[referral.EventRef]Arrival{}
	for _, a := range arrivals {
		if _, ok := how[a.Event.Ref]; !ok {
			how[a.Event.Ref] = a
		}
	}
	var e struct {
		source, id, receipt, kind, status, document, via, trace []string
		targetSource, targetID, referral, problems              []*string
		at                                                      []*time.Time
		arrived                                                 []time.Time
		hash                                                    [][]byte
		wants                                                   []*bool
	}
	var receipts, details []string
	for _, x := range b.Added() {
		a := how[x.Ref]
		problems, err := problemsText(x.Problems)
		if err != nil {
			return err
		}
		e.source, e.id, e.receipt, e.kind = append(e.source, x.Ref.Source), append(e.id, x.Ref.ID), append(e.receipt, string(x.ReceiptID)), append(e.kind, string(x.Kind))
		e.at, e.targetSource, e.targetID = append(e.at, when(x.Time)), append(e.targetSource, some(x.Target.Source)), append(e.targetID, some(x.Target.ID))
		e.referral, e.status, e.problems = append(e.referral, some(string(x.ReferralID))), append(e.status, string(x.Status)), append(e.problems, problems)
		e.hash, e.document, e.wants = append(e.hash, x.Hash[:]), append(e.document, string(x.Document)), append(e.wants, x.WantsFeedback)
		e.via, e.trace, e.arrived = append(e.via, a.Via), append(e.trace, a.Trace), append(e.arrived, now)
		if a.Event.Reporter != nil {
			receipts, details = append(receipts, string(x.ReceiptID)), append(details, string(a.Event.Reporter))
		}
	}
	if len(e.id) > 0 {
		w.queue(insertEventsSQL, e.source, e.id, e.receipt, e.kind, e.at, e.targetSource, e.targetID, e.referral, e.status, e.problems, e.hash, e.document, e.wants, e.via, e.trace, e.arrived)
	}
	if len(receipts) > 0 {
		w.queue(insertReportersSQL, receipts, details)
	}
	for _, x := range b.Ledger.Changed() {
		problems, err := problemsText(x.Problems)
		if err != nil {
			return err
		}
		w.queueChecked(exactlyOne, updateEventSQL, x.Ref.Source, x.Ref.ID, string(x.ReferralID), string(x.Status), problems)
	}
	for _, q := range b.Quarantine() {
		origin := "conflict:" + q.Ref.Source + "\x1f" + q.Ref.ID + "\x1f" + hex.EncodeToString(q.Hash[:])
		body, err := json.Marshal(map[string]string{"document": string(q.Document), "reporter": string(q.Reporter)})
		if err != nil {
			return err
		}
		kept := b.Entry(q.Ref)
		w.queue(insertQuarantineSQL, newID(), "conflict", origin, how[q.Ref].Via, q.Ref.Source, q.Ref.ID, string(kept.ReceiptID), `[{"pointer":"","code":"conflict","detail":"another content under this source and id is kept"}]`, body, now)
	}
	return nil
}

const changedMeanwhile = "changed_meanwhile"

// ChangedMeanwhile says whether a store method found what it was to change changed
// by another, so that it is worth doing anew at once.
func ChangedMeanwhile(err error) bool {
	f, ok := fault.As(err)
	return ok && f.Code == changedMeanwhile
}

func exactlyOne(n int64) error {
	if n != 1 {
		return fault.New(fault.Unavailable, changedMeanwhile, "This was changed by another request at the same time. Try again.")
	}
	return nil
}

func (w *writer) persons(people *referral.People, m referral.Matcher) {
	var p struct {
		id, origin, name, born, sex, languages, contacts, addresses, identifiers []string
		version                                                                  []int64
		unborn, twin                                                             []bool
	}
	// Of new persons, and of those that may have the same from before.
	var keys [2]struct {
		generation []int16
		hash       []int64
		person     []string
	}
	var recheck []string
	var members [2]struct{ household, person []string }
	for _, x := range people.All() {
		if !x.IsNew() && !x.Changed() && !x.Moved() {
			continue
		}
		known := 0
		if !x.IsNew() {
			known = 1
		}
		if x.Moved() || x.IsNew() {
			for i, h := range x.Households {
				if to := &members[known]; !slices.Contains(x.Households[:i], h) {
					to.household, to.person = append(to.household, string(h)), append(to.person, string(x.ID))
				}
			}
		}
		if !x.IsNew() && !x.Changed() {
			continue
		}
		to := &keys[known]
		for _, k := range m.Keep(x) {
			to.generation, to.hash, to.person = append(to.generation, k.Generation), append(to.hash, k.Hash), append(to.person, string(x.ID))
		}
		if x.Corrected() {
			recheck = append(recheck, string(x.ID))
		}
		name, contacts, addresses, identifiers := text(x.Name), text(x.Contacts), text(x.Addresses), text(x.Identifiers)
		if !x.IsNew() {
			w.queueChecked(exactlyOne, updatePersonSQL, string(x.ID), x.Version, name, string(x.BirthDate), x.Sex, array(x.Languages), contacts, addresses, identifiers, aliases(x), x.MultipleBirth)
			continue
		}
		p.id, p.version, p.origin = append(p.id, string(x.ID)), append(p.version, x.Version), append(p.origin, string(x.Origin))
		p.name, p.born, p.sex, p.languages = append(p.name, name), append(p.born, string(x.BirthDate)), append(p.sex, x.Sex), append(p.languages, array(x.Languages))
		p.contacts, p.addresses, p.identifiers = append(p.contacts, contacts), append(p.addresses, addresses), append(p.identifiers, identifiers)
		p.unborn, p.twin = append(p.unborn, x.Unborn), append(p.twin, x.MultipleBirth)
	}
	if len(p.id) > 0 {
		w.queue(insertPersonsSQL, p.id, p.version, p.origin, p.name, p.born, p.sex, p.languages, p.contacts, p.addresses, p.identifiers, p.unborn, p.twin)
	}
	if len(recheck) > 0 {
		w.queue(recheckSQL, recheck)
	}
	if len(p.id) > 0 {
		w.queue(recheckLongSQL, p.id, LongTransaction.Seconds())
	}
	for known, more := range []string{"", unlessThereSQL} {
		if k := keys[known]; len(k.hash) > 0 {
			w.queue(insertKeysSQL+more, k.generation, k.hash, k.person)
		}
		if m := members[known]; len(m.person) > 0 {
			w.queue(insertMembersSQL+more, m.household, m.person)
		}
	}
}

func aliases(p *referral.Person) string {
	if len(p.Aliases) == 0 {
		return ""
	}
	return text(p.Aliases)
}

// questions keeps pairs of persons that may be one. A pair that was asked about
// for the same facts is not asked about again, unless the question was superseded
// before anybody answered it.
func (w *writer) questions(questions []referral.Question, now time.Time, newID func() string) {
	var q struct {
		id, a, b, model, zone, reasons, evidence, origin []string
		odds                                             []float32
		p                                                []float64
		facts                                            [][]byte
		at                                               []time.Time
	}
	type pair struct{ a, b referral.PersonID }
	seen := map[pair]bool{}
	for _, x := range questions {
		if seen[pair{x.A, x.B}] {
			continue
		}
		seen[pair{x.A, x.B}] = true
		q.id, q.a, q.b, q.model, q.zone = append(q.id, newID()), append(q.a, string(x.A)), append(q.b, string(x.B)), append(q.model, x.Model), append(q.zone, x.Zone)
		q.reasons, q.evidence, q.origin = append(q.reasons, array(x.Reasons)), append(q.evidence, text(x.Evidence)), append(q.origin, string(x.Origin))
		q.odds, q.p, q.facts, q.at = append(q.odds, float32(x.LogOdds)), append(q.p, x.P), append(q.facts, x.Facts[:]), append(q.at, now)
	}
	if len(q.id) > 0 {
		w.queue(insertQuestionsSQL, q.id, q.a, q.b, q.model, q.odds, q.p, q.zone, q.reasons, q.evidence, q.facts, q.origin, q.at)
	}
}

func (w *writer) referrals(changed []*referral.Referral) {
	var r struct {
		id, status, receipt, source, event, channel, kind, urgency, program, concerns, flags, household, document, priority, decision, trace []string
		version                                                                                                                              []int64
		received, arrived, due                                                                                                               []time.Time
		withdrawn                                                                                                                            []*time.Time
		wants, urgent                                                                                                                        []bool
	}
	for _, x := range changed {
		c := &x.Content
		document := ""
		if x.Amended {
			document = string(x.Document)
		}
		if !x.IsNew() {
			if x.Changed() {
				w.update(x, document)
			}
			continue
		}
		r.id, r.version, r.status, r.receipt = append(r.id, string(x.ID)), append(r.version, x.Version), append(r.status, string(x.Status)), append(r.receipt, string(x.Receipt))
		r.source, r.event, r.received, r.arrived = append(r.source, x.Ref.Source), append(r.event, x.Ref.ID), append(r.received, c.ReceivedAt), append(r.arrived, x.ArrivedAt)
		r.channel, r.kind, r.urgency, r.program = append(r.channel, c.Channel), append(r.kind, c.Kind), append(r.urgency, c.Urgency), append(r.program, c.RequestedProgram)
		r.concerns, r.flags, r.wants = append(r.concerns, array(c.ConcernCodes())), append(r.flags, array(c.SafetyFlags)), append(r.wants, x.WantsFeedback)
		r.household, r.document, r.priority = append(r.household, string(x.Household)), append(r.document, document), append(r.priority, string(x.Priority.Priority))
		r.urgent, r.due, r.decision = append(r.urgent, x.Priority.Urgent), append(r.due, x.Priority.DueAt), append(r.decision, text(x.Priority))
		r.withdrawn, r.trace = append(r.withdrawn, when(x.WithdrawnAt)), append(r.trace, x.Trace)
	}
	if len(r.id) > 0 {
		w.queue(insertReferralsSQL, r.id, r.version, r.status, r.receipt, r.source, r.event, r.received, r.arrived, r.channel, r.kind, r.urgency, r.program,
			r.concerns, r.flags, r.wants, r.household, r.document, r.priority, r.urgent, r.due, r.decision, r.withdrawn, r.trace)
	}
	w.links(changed)
	w.clocks(changed)
	w.history(changed)
}

func (w *writer) update(x *referral.Referral, document string) {
	asked, screening := "", ""
	if x.Asked != nil {
		asked = text(x.Asked)
	}
	if x.Screening != nil {
		screening = text(x.Screening)
	}
	c := &x.Content
	w.queueChecked(exactlyOne, updateReferralSQL, string(x.ID), x.Version, string(x.Status), c.ReceivedAt, c.Channel, c.Kind, c.Urgency, c.RequestedProgram,
		array(c.ConcernCodes()), array(c.SafetyFlags), x.WantsFeedback, document, string(x.Priority.Priority), x.Priority.Urgent, x.Priority.DueAt,
		text(x.Priority), asked, x.TakenBy, when(x.TakenAt), when(x.WithdrawnAt), screening, string(x.Case))
}

func (w *writer) links(changed []*referral.Referral) {
	var all [2]struct { // of new referrals, and of others
		referral, ref, person, role, basis []string
		model, evidence                    []*string
		odds                               []*float32
	}
	for _, x := range changed {
		if !x.IsNew() && !x.Relinked() {
			continue
		}
		l := &all[0]
		if !x.IsNew() {
			l = &all[1]
		}
		refs := []string{}
		for _, link := range x.Persons {
			refs = append(refs, link.Ref)
			l.referral, l.ref, l.person = append(l.referral, string(x.ID)), append(l.ref, link.Ref), append(l.person, string(link.Person))
			l.role, l.basis = append(l.role, link.Role), append(l.basis, link.Basis)
			var model, evidence *string
			var odds *float32
			if s := link.Score; s != nil {
				codes, bits := text(s.Evidence), float32(s.LogOdds)
				model, evidence, odds = &s.Model, &codes, &bits
			}
			l.model, l.evidence, l.odds = append(l.model, model), append(l.evidence, evidence), append(l.odds, odds)
		}
		if !x.IsNew() {
			w.queue(forgetLinksSQL, string(x.ID), refs)
		}
	}
	for i, over := range []string{"", overLinksSQL} {
		if l := all[i]; len(l.ref) > 0 {
			w.queue(insertLinksSQL+over, l.referral, l.ref, l.person, l.role, l.basis, l.model, l.odds, l.evidence)
		}
	}
}

func (w *writer) clocks(changed []*referral.Referral) {
	var all [2]struct { // of new referrals, and of others
		id, referral, clock, metBy, state, version []string
		started, due                               []time.Time
		met, expired                               []*time.Time
	}
	for _, x := range changed {
		c := &all[0]
		if !x.IsNew() {
			c = &all[1]
		}
		for _, k := range x.Clocks {
			if !k.Changed() {
				continue
			}
			c.id, c.referral, c.clock, c.metBy = append(c.id, string(k.ID)), append(c.referral, string(x.ID)), append(c.clock, k.Code), append(c.metBy, k.MetBy)
			c.state, c.started, c.due = append(c.state, string(k.State)), append(c.started, k.StartedAt), append(c.due, k.DueAt)
			c.met, c.expired, c.version = append(c.met, when(k.MetAt)), append(c.expired, when(k.ExpiredAt)), append(c.version, k.RuleVersion)
		}
	}
	for i, over := range []string{"", overClocksSQL} {
		c := all[i]
		if len(c.id) == 0 {
			continue
		}
		w.queue(insertClocksSQL+over, c.id, c.referral, c.clock, c.metBy, c.state, c.started, c.due, c.met, c.expired, c.version)
	}
}

func (w *writer) history(changed []*referral.Referral) {
	var h struct {
		referral, what, by, receipt, codes []string
		at                                 []time.Time
	}
	for _, x := range changed {
		for _, entry := range x.Pending().History {
			codes := entry.Codes
			if codes == nil {
				codes = map[string]string{}
			}
			h.referral, h.at, h.what, h.by = append(h.referral, string(x.ID)), append(h.at, entry.At), append(h.what, entry.What), append(h.by, entry.By)
			h.receipt, h.codes = append(h.receipt, string(entry.Receipt)), append(h.codes, text(codes))
		}
	}
	if len(h.what) > 0 {
		w.queue(insertHistorySQL, h.referral, h.at, h.what, h.by, h.receipt, h.codes)
	}
}

// SaveRefused keeps an event that was refused and whose sender waits for no
// answer. origin names the arrival: the same one is kept once.
func SaveRefused(ctx context.Context, tx *postgres.Tx, id, origin string, ref referral.EventRef, body []byte, problems []fault.Field, now time.Time) error {
	told, err := problemsText(problems)
	if err != nil {
		return err
	}
	if told == nil {
		return fmt.Errorf("keep a refused event: it has no fault")
	}
	clean := func(s string) string { return strings.ReplaceAll(s, "\x00", "") }
	if _, err := tx.ExecContext(ctx, insertQuarantineSQL, id, "refused", origin, "kafka", clean(ref.Source), clean(ref.ID), "", *told, body, now); err != nil {
		return fmt.Errorf("keep a refused event: %w", err)
	}
	return nil
}

func problemsText(problems []fault.Field) (*string, error) {
	if len(problems) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(problems)
	s := string(b)
	return &s, err
}

// text is v as JSON; v is one of our own types, which always encode.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("intake: a stored type does not encode: " + err.Error())
	}
	return string(b)
}

// array writes codes as the text of a PostgreSQL array. Codes hold no comma,
// brace, quote or blank: they were checked against a list or a pattern.
func array(codes []string) string { return "{" + strings.Join(codes, ",") + "}" }

func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
