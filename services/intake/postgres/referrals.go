package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

const (
	referralsSQL = `SELECT r.referral_id, r.version, r.status, r.receipt_id, r.source, r.event_id, r.arrived_at, r.trace,
		coalesce(r.document, e.document), r.document IS NOT NULL, r.wants_feedback, r.household_id, r.priority_decision, coalesce(r.priority_asked, ''),
		coalesce(r.taken_by, ''), r.taken_at, r.withdrawn_at, coalesce(r.screening, ''), coalesce(r.case_id, '')
		FROM referral r JOIN inbound_event e ON e.source = r.source AND e.event_id = r.event_id
		WHERE r.referral_id = ANY($1) ORDER BY r.referral_id`

	linksSQL = `SELECT referral_id, ref, person_id, role, basis FROM referral_person WHERE referral_id = ANY($1) ORDER BY referral_id, ref`

	clocksSQL = `SELECT referral_id, clock_id, clock, met_by, state, started_at, due_at, met_at, expired_at, rule_version
		FROM response_clock WHERE referral_id = ANY($1) ORDER BY referral_id, clock_id`
)

// Referral loads one referral, and locks it when it is to be changed. It fails
// with NotFound (referral_not_found).
func Referral(ctx context.Context, tx *postgres.Tx, id referral.ReferralID, change bool) (*referral.Referral, error) {
	found, err := Referrals(ctx, tx, []string{string(id)}, change)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.Missing("referral")
	}
	return found[0], nil
}

// Referrals loads referrals by id, those that exist, in the order of their ids.
func Referrals(ctx context.Context, tx *postgres.Tx, ids []string, change bool) ([]*referral.Referral, error) {
	query := referralsSQL
	if change {
		query += " FOR UPDATE OF r"
	}
	batch := &pgx.Batch{}
	batch.Queue(query, ids)
	batch.Queue(linksSQL, ids)
	batch.Queue(clocksSQL, ids)
	var found []*referral.Referral
	byID := map[referral.ReferralID]*referral.Referral{}
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		if err := each(results, func(rows pgx.Rows) error {
			rf, err := scanReferral(rows, tx.Now())
			if err == nil {
				found, byID[rf.ID] = append(found, rf), rf
			}
			return err
		}); err != nil {
			return err
		}
		if err := each(results, func(rows pgx.Rows) error {
			var id referral.ReferralID
			var l referral.PersonLink
			err := rows.Scan(&id, &l.Ref, &l.Person, &l.Role, &l.Basis)
			if rf := byID[id]; err == nil && rf != nil {
				rf.Persons = append(rf.Persons, l)
			}
			return err
		}); err != nil {
			return err
		}
		return each(results, func(rows pgx.Rows) error {
			id, c, err := scanClock(rows)
			if rf := byID[id]; err == nil && rf != nil {
				rf.Clocks = append(rf.Clocks, c)
			}
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load referrals: %w", err)
	}
	return found, nil
}

// each hands the rows of the next result to scan.
func each(results pgx.BatchResults, scan func(pgx.Rows) error) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scanReferral(rows pgx.Rows, now time.Time) (*referral.Referral, error) {
	rf := &referral.Referral{}
	var document, priority, asked, screening string
	var taken, withdrawn *time.Time
	if err := rows.Scan(&rf.ID, &rf.Version, &rf.Status, &rf.Receipt, &rf.Ref.Source, &rf.Ref.ID, &rf.ArrivedAt, &rf.Trace,
		&document, &rf.Amended, &rf.WantsFeedback, &rf.Household, &priority, &asked,
		&rf.TakenBy, &taken, &withdrawn, &screening, &rf.Case); err != nil {
		return nil, err
	}
	rf.ArrivedAt, rf.TakenAt, rf.WithdrawnAt, rf.Document = rf.ArrivedAt.UTC(), utc(taken), utc(withdrawn), []byte(document)
	for text, into := range map[*string]any{&priority: &rf.Priority, &asked: &rf.Asked, &screening: &rf.Screening} {
		if *text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(*text), into); err != nil {
			return nil, err
		}
	}
	var err error
	rf.Content, err = referral.ReadContent(rf.Document, now)
	return rf, err
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func scanClock(rows pgx.Rows) (referral.ReferralID, *referral.ResponseClock, error) {
	var id referral.ReferralID
	c := &referral.ResponseClock{}
	var met, expired *time.Time
	err := rows.Scan(&id, &c.ID, &c.Code, &c.MetBy, &c.State, &c.StartedAt, &c.DueAt, &met, &expired, &c.RuleVersion)
	c.StartedAt, c.DueAt, c.MetAt, c.ExpiredAt = c.StartedAt.UTC(), c.DueAt.UTC(), utc(met), utc(expired)
	return id, c, err
}

// ReferralOfCase is the referral that opened a case; "" when none of ours did.
func ReferralOfCase(ctx context.Context, tx *postgres.Tx, id referral.CaseID) (referral.ReferralID, error) {
	return one[referral.ReferralID](ctx, tx, `SELECT referral_id FROM referral WHERE case_id = $1`, id)
}

// ReferralOfClock is the referral a clock runs on; "" when there is none.
func ReferralOfClock(ctx context.Context, tx *postgres.Tx, id referral.ClockID) (referral.ReferralID, error) {
	return one[referral.ReferralID](ctx, tx, `SELECT referral_id FROM response_clock WHERE clock_id = $1`, id)
}

func one[T ~string](ctx context.Context, tx *postgres.Tx, query string, args ...any) (T, error) {
	var v string
	err := tx.QueryRowxContext(ctx, query, args...).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return T(v), err
}

// NoteAssessment keeps that an assessment of a case is due or completed, and says
// whether all that are due are now completed.
func NoteAssessment(ctx context.Context, tx *postgres.Tx, c referral.CaseID, assessment string, completed bool) (allDone bool, err error) {
	if _, err := tx.ExecContext(ctx, `INSERT INTO case_assessment (case_id, assessment_id, completed) VALUES ($1, $2, $3)
		ON CONFLICT (agency_id, case_id, assessment_id) DO UPDATE SET completed = case_assessment.completed OR excluded.completed`, c, assessment, completed); err != nil {
		return false, fmt.Errorf("note assessment: %w", err)
	}
	err = tx.QueryRowxContext(ctx, `SELECT bool_and(completed) FROM case_assessment WHERE case_id = $1`, c).Scan(&allDone)
	return allDone, err
}

// Summary is a referral as lists show it.
type Summary struct {
	ID               referral.ReferralID `db:"referral_id"`
	Version          int64               `db:"version"`
	Status           string              `db:"status"`
	Channel          string              `db:"channel"`
	Kind             string              `db:"kind"`
	Urgency          string              `db:"urgency"`
	RequestedProgram *string             `db:"requested_program"`
	ConcernCodes     string              `db:"concern_codes"`
	SafetyFlags      string              `db:"safety_flags"`
	Priority         string              `db:"priority"`
	Urgent           bool                `db:"urgent"`
	DueAt            time.Time           `db:"due_at"`
	ReceivedAt       time.Time           `db:"received_at"`
	TakenBy          *string             `db:"taken_by"`
	TakenAt          *time.Time          `db:"taken_at"`
	Household        string              `db:"household_id"`
	Case             *string             `db:"case_id"`
}

// ReferralFilter narrows a list of referrals. Access is the caller's rule as SQL
// over the case_id column, with its arguments from $1 on.
type ReferralFilter struct {
	Status, Priority string
	Taken            *bool
	Before           referral.ReferralID
	Access           string
	AccessArgs       []any
}

// ListReferrals lists referrals, newest first, at most limit.
func ListReferrals(ctx context.Context, tx *postgres.Tx, f ReferralFilter, limit int) ([]Summary, error) {
	q := newQuery(`SELECT referral_id, version, status, channel, kind, urgency, requested_program, array_to_string(concern_codes, ',') AS concern_codes,
		array_to_string(safety_flags, ',') AS safety_flags, priority, urgent, due_at, received_at, taken_by, taken_at, household_id, case_id FROM referral`, f.AccessArgs)
	if f.Access != "" {
		q.where(f.Access)
	}
	if f.Status != "" {
		q.where("status = $%d", f.Status)
	}
	if f.Priority != "" {
		q.where("priority = $%d", f.Priority)
	}
	if f.Taken != nil {
		q.where("(taken_by IS NOT NULL) = $%d", *f.Taken)
	}
	if f.Before != "" {
		q.where("referral_id < $%d", f.Before)
	}
	var found []Summary
	return found, q.run(ctx, tx, &found, "referral_id DESC", limit)
}

// query puts conditions together; its arguments are numbered as they come.
type query struct {
	text       strings.Builder
	conditions int
	args       []any
}

func newQuery(text string, args []any) *query {
	q := &query{args: args}
	q.text.WriteString(text)
	return q
}

func (q *query) where(condition string, args ...any) {
	word := " AND "
	if q.conditions == 0 {
		word = " WHERE "
	}
	q.conditions++
	numbers := []any{}
	for _, a := range args {
		q.args = append(q.args, a)
		numbers = append(numbers, len(q.args))
	}
	if len(numbers) > 0 {
		condition = fmt.Sprintf(condition, numbers...)
	}
	q.text.WriteString(word + "(" + condition + ")")
}

func (q *query) run(ctx context.Context, tx *postgres.Tx, into any, order string, limit int) error {
	q.args = append(q.args, limit)
	return tx.SelectContext(ctx, into, fmt.Sprintf("%s ORDER BY %s LIMIT $%d", q.text.String(), order, len(q.args)), q.args...)
}

// HistoryRow is an entry of a referral's history.
type HistoryRow struct {
	Seq     int64     `db:"seq"`
	At      time.Time `db:"at"`
	What    string    `db:"what"`
	By      string    `db:"by"`
	Receipt *string   `db:"receipt_id"`
	Codes   string    `db:"codes"`
}

// ListHistory lists what happened to a referral after it was received, oldest first.
func ListHistory(ctx context.Context, tx *postgres.Tx, id referral.ReferralID, after int64, limit int) ([]HistoryRow, error) {
	rows := []HistoryRow{}
	err := tx.SelectContext(ctx, &rows, `SELECT seq, at, what, by, receipt_id, codes FROM referral_history WHERE referral_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`, id, after, limit)
	return rows, err
}

// ClockRow is a clock as lists show it.
type ClockRow struct {
	ID          string     `db:"clock_id"`
	Clock       string     `db:"clock"`
	Referral    string     `db:"referral_id"`
	Case        *string    `db:"case_id"`
	State       string     `db:"state"`
	StartedAt   time.Time  `db:"started_at"`
	DueAt       time.Time  `db:"due_at"`
	MetAt       *time.Time `db:"met_at"`
	ExpiredAt   *time.Time `db:"expired_at"`
	RuleVersion string     `db:"rule_version"`
}

// ClockFilter narrows a list of clocks; Access as in ReferralFilter, over r.case_id.
type ClockFilter struct {
	State      string
	AfterDue   time.Time
	AfterID    string
	Access     string
	AccessArgs []any
}

// ListClocks lists clocks, the soonest due first.
func ListClocks(ctx context.Context, tx *postgres.Tx, f ClockFilter, limit int) ([]ClockRow, error) {
	q := newQuery(`SELECT c.clock_id, c.clock, c.referral_id, r.case_id, c.state, c.started_at, c.due_at, c.met_at, c.expired_at, c.rule_version
		FROM response_clock c JOIN referral r ON r.agency_id = c.agency_id AND r.referral_id = c.referral_id`, f.AccessArgs)
	if f.Access != "" {
		q.where(f.Access)
	}
	if f.State != "" {
		q.where("c.state = $%d", f.State)
	}
	if f.AfterID != "" {
		q.where("(c.due_at, c.clock_id) > ($%d, $%d)", f.AfterDue, f.AfterID)
	}
	rows := []ClockRow{}
	return rows, q.run(ctx, tx, &rows, "c.due_at, c.clock_id", limit)
}
