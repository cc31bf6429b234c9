package check

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"
)

// Source says where the evidence of a run is.
type Source struct {
	// Journal is the file of what was sent, a Sent a line.
	Journal string
	// Databases are connection strings that see every agency's rows, by service.
	Databases map[string]string
	// Broker is an address to bootstrap from.
	Broker string
	// Topics are the services' own topics.
	Topics []string
}

// handles says which events each service takes in, as `api-specs/asyncapi.yaml`
// has it: a type is matched by the part after "org.hearth.". planning keeps
// the timeline and takes everything.
var handles = map[string][]string{
	"assessment":         {"intake.case.opened", "planning.case.assigned", "planning.case.unassigned", "planning.case.excluded", "planning.case.closed"},
	"planning":           {""},
	"visit-scheduling":   {"planning.plan.approved", "planning.case.closed"},
	"resource-directory": {"planning.case.assigned"},
	"notification":       {"planning.case.assigned", "planning.plan.submitted", "visit-scheduling.visit.scheduled"},
	"intake":             {"assessment.assessment.completed"},
}

func handled(service string) func(string) bool {
	return func(eventType string) bool {
		short := strings.TrimPrefix(eventType, "org.hearth.")
		for _, prefix := range handles[service] {
			if strings.HasPrefix(short, prefix) {
				return true
			}
		}
		return false
	}
}

// Collect reads the evidence. Nothing may be running that still writes.
func Collect(ctx context.Context, s Source) (Evidence, error) {
	e := Evidence{
		Inbox: map[string][]Taken{}, Handles: map[string]func(string) bool{},
		Outbox: map[string]int{}, Parked: map[string]int{}, CaseFiles: map[string]int{}, Due: map[string]int{},
	}
	var err error
	if e.Sent, err = ReadJournal(s.Journal); err != nil {
		return e, err
	}
	for _, topic := range s.Topics {
		records, err := readTopic(ctx, s.Broker, topic)
		if err != nil {
			return e, fmt.Errorf("read topic %s: %w", topic, err)
		}
		e.Topics = append(e.Topics, records...)
	}
	for service, url := range s.Databases {
		if err := e.readDatabase(ctx, service, url); err != nil {
			return e, fmt.Errorf("read the database of %s: %w", service, err)
		}
	}
	return e, nil
}

// ReadJournal reads what was sent, in the order it was answered.
func ReadJournal(path string) ([]Sent, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	defer f.Close()
	var sent []Sent
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var one Sent
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("journal line %d: %w", len(sent)+1, err)
		}
		sent = append(sent, one)
	}
	return sent, lines.Err()
}

// readTopic reads every record of every partition, up to where each ends now.
func readTopic(ctx context.Context, broker, topic string) ([]Record, error) {
	conn, err := kafka.DialContext(ctx, "tcp", broker)
	if err != nil {
		return nil, err
	}
	partitions, err := conn.ReadPartitions(topic)
	if err = errors.Join(err, conn.Close()); err != nil {
		return nil, err
	}
	var all []Record
	for _, p := range partitions {
		records, err := readPartition(ctx, broker, topic, p.ID)
		if err != nil {
			return nil, fmt.Errorf("partition %d: %w", p.ID, err)
		}
		all = append(all, records...)
	}
	return all, nil
}

func readPartition(ctx context.Context, broker, topic string, partition int) ([]Record, error) {
	leader, err := kafka.DialLeader(ctx, "tcp", broker, topic, partition)
	if err != nil {
		return nil, err
	}
	_, end, err := leader.ReadOffsets()
	if err = errors.Join(err, leader.Close()); err != nil {
		return nil, err
	}
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{broker}, Topic: topic, Partition: partition, MaxWait: 100 * time.Millisecond})
	defer reader.Close()
	var records []Record
	for at := int64(0); at < end; {
		m, err := reader.ReadMessage(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		at = m.Offset + 1
		r := Record{Topic: topic, Partition: partition, Offset: m.Offset, Key: string(m.Key)}
		for _, h := range m.Headers {
			switch h.Key {
			case "ce_id":
				r.ID = string(h.Value)
			case "ce_type":
				r.Type = string(h.Value)
			case "ce_subject":
				r.Subject = string(h.Value)
			case "ce_aggregateversion":
				if r.Version, err = strconv.ParseInt(string(h.Value), 10, 64); err != nil {
					return nil, fmt.Errorf("offset %d: aggregateversion: %w", m.Offset, err)
				}
			}
		}
		records = append(records, r)
	}
	return records, nil
}

func (e *Evidence) readDatabase(ctx context.Context, service, url string) error {
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	if e.Inbox[service], err = rows(ctx, db, `SELECT event_id, seq FROM inbox ORDER BY seq`, func(r pgx.CollectableRow) (t Taken, err error) {
		return t, r.Scan(&t.EventID, &t.Seq)
	}); err != nil {
		return err
	}
	e.Handles[service] = handled(service)
	for query, count := range map[string]map[string]int{
		`SELECT count(*) FROM outbox`: e.Outbox,
		// What the senders of the week got wrong is kept as poison and is no fault of the run's.
		`SELECT count(*) FROM parked_event WHERE topic <> 'referrals.inbound.v1'`: e.Parked,
	} {
		var n int
		if err := db.QueryRow(ctx, query).Scan(&n); err != nil {
			return err
		}
		count[service] = n
	}
	switch service {
	case "intake":
		return e.readIntake(ctx, db)
	case "planning":
		return tally(ctx, db, `SELECT case_id FROM case_file`, e.CaseFiles)
	case "assessment":
		return tally(ctx, db, `SELECT case_id || ' ' || instrument FROM assessment WHERE occasion = 'opening'`, e.Due)
	}
	return nil
}

func (e *Evidence) readIntake(ctx context.Context, db *pgx.Conn) (err error) {
	e.Receipts, err = rows(ctx, db, `SELECT source, event_id, receipt_id, coalesce(referral_id, '') FROM inbound_event WHERE kind = 'submission'`,
		func(r pgx.CollectableRow) (one Receipt, err error) {
			return one, r.Scan(&one.Source, &one.ID, &one.ReceiptID, &one.ReferralID)
		})
	if err != nil {
		return err
	}
	e.Referrals, err = rows(ctx, db, `SELECT referral_id FROM referral`, pgx.RowTo[string])
	return err
}

func rows[T any](ctx context.Context, db *pgx.Conn, query string, scan pgx.RowToFunc[T]) ([]T, error) {
	r, err := db.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(r, scan)
}

func tally(ctx context.Context, db *pgx.Conn, query string, into map[string]int) error {
	keys, err := rows(ctx, db, query, pgx.RowTo[string])
	for _, k := range keys {
		into[k]++
	}
	return err
}
