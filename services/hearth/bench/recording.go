package bench

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// insertion is one row as it was inserted; nil is NULL.
type insertion struct {
	table  string
	values []*string // in the order of the table's columns, in PostgreSQL's text format
}

// recording is what a sample of work inserted, by transaction, in order.
type recording struct {
	transactions [][]insertion
	columns      map[string][]string // by table
}

// rows is how many rows all of it has.
func (r recording) rows() int {
	n := 0
	for _, t := range r.transactions {
		n += len(t)
	}
	return n
}

const startRecording = `
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE bench.log (seq bigint GENERATED ALWAYS AS IDENTITY, transaction xid8, name text, row text);
CREATE FUNCTION bench.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO bench.log (transaction, name, row) VALUES (pg_current_xact_id(), TG_TABLE_NAME, NEW::text);
    RETURN NULL;
END
$$`

const stopRecording = `DROP SCHEMA bench CASCADE`

// tables are those of the service.
const tables = `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%'`

// each says something of every table of the service, one after the other: who waits for
// one of them while holding another may wait for the service, which waits for that.
func each(ctx context.Context, db *pgx.Conn, statement string) error {
	rows, err := db.Query(ctx, tables)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := db.Exec(ctx, fmt.Sprintf(statement, pgx.Identifier{"public", name}.Sanitize())); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	return nil
}

// record notes every row that work inserts into the database at adminURL, a
// superuser's connection string.
func record(ctx context.Context, adminURL string, work func(context.Context) error) (recording, error) {
	db, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return recording{}, fmt.Errorf("connect to record: %w", err)
	}
	defer db.Close(ctx)
	if _, err := db.Exec(ctx, startRecording); err != nil {
		return recording{}, fmt.Errorf("start recording: %w", err)
	}
	if err := each(ctx, db, `CREATE TRIGGER bench_note AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION bench.note()`); err != nil {
		return recording{}, fmt.Errorf("start recording: %w", err)
	}
	if err := work(ctx); err != nil {
		return recording{}, err
	}
	r, err := readLog(ctx, db)
	if err != nil {
		return recording{}, fmt.Errorf("read the recording: %w", err)
	}
	if err := each(ctx, db, `DROP TRIGGER bench_note ON %s`); err != nil {
		return recording{}, fmt.Errorf("stop recording: %w", err)
	}
	if _, err := db.Exec(ctx, stopRecording); err != nil {
		return recording{}, fmt.Errorf("stop recording: %w", err)
	}
	return r, nil
}

func readLog(ctx context.Context, db *pgx.Conn) (recording, error) {
	r := recording{columns: map[string][]string{}}
	rows, err := db.Query(ctx, `SELECT relname, array_agg(attname::text ORDER BY attnum)
		FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped GROUP BY relname`)
	if err != nil {
		return r, err
	}
	var table string
	var columns []string
	if _, err := pgx.ForEachRow(rows, []any{&table, &columns}, func() error {
		r.columns[table] = columns
		return nil
	}); err != nil {
		return r, err
	}
	if rows, err = db.Query(ctx, `SELECT transaction::text, name, row FROM bench.log ORDER BY transaction, seq`); err != nil {
		return r, err
	}
	var last, transaction, row string
	_, err = pgx.ForEachRow(rows, []any{&transaction, &table, &row}, func() error {
		values, err := parseRow(row)
		if err != nil {
			return fmt.Errorf("row of %s: %w", table, err)
		}
		if transaction != last {
			r.transactions = append(r.transactions, nil)
			last = transaction
		}
		at := len(r.transactions) - 1
		r.transactions[at] = append(r.transactions[at], insertion{table, values})
		return nil
	})
	return r.alone(), err
}

// alone is the recording without what refers to persons made known before it: a
// few rows that have no place in empty tables.
func (r recording) alone() recording {
	known := map[string]bool{}
	each := func(keep func(table string, column string, value *string) bool) [][]insertion {
		var all [][]insertion
		for _, t := range r.transactions {
			var kept []insertion
			for _, row := range t {
				ok := true
				for i, column := range r.columns[row.table] {
					ok = ok && (i >= len(row.values) || keep(row.table, column, row.values[i]))
				}
				if ok {
					kept = append(kept, row)
				}
			}
			all = append(all, kept)
		}
		return all
	}
	each(func(table, column string, value *string) bool {
		if table == "person" && column == "person_id" {
			known[*value] = true
		}
		return true
	})
	transactions := each(func(_, column string, value *string) bool {
		switch column {
		case "person_id", "person_a", "person_b":
			return known[*value]
		}
		return true
	})
	return recording{transactions: transactions, columns: r.columns}
}

// parseRow reads PostgreSQL's text format of a composite value
// (documentation, 8.16.6): values between parentheses with commas, in double
// quotes where need be, a quote doubled or a backslash before it; nothing at
// all is NULL.
func parseRow(row string) ([]*string, error) {
	if len(row) < 2 || row[0] != '(' || row[len(row)-1] != ')' {
		return nil, fmt.Errorf("%q is not in parentheses", row)
	}
	in := row[1 : len(row)-1]
	var values []*string
	for i := 0; ; {
		var b strings.Builder
		null, quoted := true, false
	value:
		for ; i < len(in); i++ {
			switch ch := in[i]; {
			case ch == '\\' && i+1 < len(in):
				i++
				b.WriteByte(in[i])
				null = false
			case ch == '"' && quoted && i+1 < len(in) && in[i+1] == '"':
				i++
				b.WriteByte('"')
			case ch == '"':
				quoted, null = !quoted, false
			case ch == ',' && !quoted:
				break value
			default:
				b.WriteByte(ch)
				null = false
			}
		}
		if quoted {
			return nil, fmt.Errorf("%q ends within quotes", row)
		}
		if null {
			values = append(values, nil)
		} else {
			s := b.String()
			values = append(values, &s)
		}
		if i >= len(in) {
			return values, nil
		}
		i++
	}
}
