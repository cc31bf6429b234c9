package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/postgres/launch"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/match"
	"github.com/hearthfps/hearth/services/intake/match/population"
	"github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// ground is a database with a population in it, and questions about it.
type ground struct {
	pg       *launch.Server
	admin    *pgx.Conn
	db       *kit.DB
	agency   tenant.AgencyID
	indexes  *postgres.Indexes
	by       *index.Index
	persons  int
	question []question
}

// question is a further record of somebody in the index; person is who, and known the
// record of them that is in it.
type question struct {
	described, known *referral.Person
	person           referral.PersonID
}

// questions are kept: more than are asked, from all over the population.
const questions = 20_000

func newGround(ctx context.Context, pg *launch.Server, name string, n int) (*ground, error) {
	d, err := pg.Database(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := kit.Migrate(ctx, d.OwnerURL, d.RuntimeRole, postgres.Migrations); err != nil {
		return nil, err
	}
	g := &ground{pg: pg, persons: n}
	if g.agency, err = tenant.Parse("lakeland"); err != nil {
		return nil, err
	}
	if g.indexes, err = postgres.NewIndexes(); err != nil {
		return nil, err
	}
	if g.db, err = kit.Open(ctx, kit.Config{URL: d.RuntimeURL, MaxConns: 16}); err != nil {
		return nil, err
	}
	g.admin, err = pgx.Connect(ctx, pg.AdminURL(name))
	return g, err
}

func (g *ground) close(ctx context.Context) error {
	return errors.Join(g.admin.Close(ctx), g.db.Close())
}

// load puts the first record of each of n persons into the tables, and keeps others
// as questions. The index's own key is made after its rows, as for any load; the
// model is the built-in one for a population of this size.
func (g *ground) load(ctx context.Context, n int, seed uint64) (keysPerson float64, err error) {
	ctx = tenant.With(ctx, g.agency)
	if err := g.use(ctx, n); err != nil {
		return 0, err
	}
	if _, err := g.admin.Exec(ctx, `ALTER TABLE person_index DROP CONSTRAINT person_index_pkey`); err != nil {
		return 0, err
	}
	keys := 0
	chunk := &rows{ground: g}
	known := 0
	last, first := -1, (*referral.Person)(nil)
	settings := population.Default(3*n, seed)
	settings.Households = 0 // a report does not name the household as the index knows it
	err = generate(settings, n, func(p *referral.Person, person int) error {
		if person != last {
			last, first = person, p
			known++
			p.ID = number(person)
			keys += chunk.add(p)
			if len(chunk.persons) == 20_000 {
				return chunk.copy(ctx)
			}
			return nil
		}
		if len(g.question) < questions && person%(1+n/questions) == 0 {
			g.question = append(g.question, question{p, first, number(person)})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := chunk.copy(ctx); err != nil {
		return 0, err
	}
	if len(g.question) == 0 {
		return 0, errors.New("the population gave no questions")
	}
	for _, statement := range []string{
		`SET maintenance_work_mem = '1GB'`,
		`ALTER TABLE person_index ADD PRIMARY KEY (agency_id, generation, key, person)`,
		`VACUUM ANALYZE person`, `VACUUM ANALYZE person_index`,
	} {
		if _, err := g.admin.Exec(ctx, statement); err != nil {
			return 0, err
		}
	}
	return round(float64(keys) / float64(known)), nil
}

// use has the agency match by the built-in model with the prior for n persons.
func (g *ground) use(ctx context.Context, n int) error {
	m, err := g.indexes.BuiltIn().ForPopulation(n)
	if err != nil {
		return err
	}
	return g.db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		now := clock.System().Now()
		if err := postgres.SaveModel(ctx, tx, m, "indexbench", now); err != nil {
			return err
		}
		if _, err := g.indexes.Change(ctx, tx, now, func(r *postgres.IndexRow) error {
			r.Model, r.ChangedBy = m.ID(), "indexbench"
			return nil
		}); err != nil {
			return err
		}
		g.by, err = g.indexes.Of(ctx, tx)
		return err
	})
}

var errEnough = errors.New("enough")

// generate hands over records of n persons.
func generate(set population.Settings, n int, yield func(*referral.Person, int) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if stop, ok := p.(error); !ok || !errors.Is(stop, errEnough) {
				panic(p)
			}
		}
	}()
	population.Generate(population.BuiltIn(), set, func(p *match.Person, person int) {
		if person >= n || err != nil {
			panic(errEnough) // the generator has no other end
		}
		err = yield(reported(p), person)
	})
	return err
}

// reported is a generated record as intake knows persons.
func reported(p *match.Person) *referral.Person {
	out := &referral.Person{Name: referral.Name{Given: p.Given, Family: p.Family}, BirthDate: referral.PartialDate(p.BirthDate.String()), Languages: []string{}}
	if out.Name.Given == nil {
		out.Name.Given = []string{}
	}
	out.Sex = map[match.Sex]string{match.Female: "female", match.Male: "male"}[p.Sex]
	for _, a := range p.Addresses {
		out.Addresses = append(out.Addresses, referral.Address{Lines: a.Lines, City: a.City, PostalCode: a.PostalCode, Country: a.Country})
	}
	for _, c := range p.Contacts {
		kind := map[match.ContactKind]string{match.Phone: "phone", match.Email: "email"}[c.Kind]
		out.Contacts = append(out.Contacts, referral.Contact{Kind: kind, Value: c.Value, Safe: "unknown"})
	}
	for _, id := range p.Identifiers {
		out.Identifiers = append(out.Identifiers, referral.Identifier{System: id.System, Value: id.Value})
	}
	return out
}

// number is the id of a generated person, in the form of a UUIDv7.
func number(person int) referral.PersonID {
	return referral.PersonID(fmt.Sprintf("01900000-0000-7000-8000-%012x", person))
}

// rows are persons and their keys on the way into the tables.
type rows struct {
	ground  *ground
	persons [][]any
	keys    [][]any
}

func (r *rows) add(p *referral.Person) int {
	agency := r.ground.agency.String()
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // strings always encode
		}
		if string(b) == "null" {
			return "[]"
		}
		return string(b)
	}
	r.persons = append(r.persons, []any{agency, string(p.ID), 1, string(p.ID), text(p.Name), string(p.BirthDate), p.Sex, p.Languages, text(p.Contacts), text(p.Addresses), text(p.Identifiers)})
	var id [16]byte
	copy(id[:], unhex(string(p.ID)))
	found := r.ground.by.Find(p)
	for _, k := range found {
		r.keys = append(r.keys, []any{agency, r.ground.by.Generation, k, id})
	}
	return len(found)
}

func unhex(id string) []byte {
	var out []byte
	digits := strings.ReplaceAll(id, "-", "")
	for i := 0; i+1 < len(digits); i += 2 {
		var b byte
		if _, err := fmt.Sscanf(digits[i:i+2], "%02x", &b); err != nil {
			panic(err)
		}
		out = append(out, b)
	}
	return out
}

func (r *rows) copy(ctx context.Context) error {
	for _, t := range []struct {
		table   string
		columns []string
		rows    [][]any
	}{
		{"person", []string{"agency_id", "person_id", "version", "origin", "name", "birth_date", "sex", "languages", "contacts", "addresses", "identifiers"}, r.persons},
		{"person_index", []string{"agency_id", "generation", "key", "person"}, r.keys},
	} {
		if _, err := r.ground.admin.CopyFrom(ctx, pgx.Identifier{t.table}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
			return fmt.Errorf("load %s: %w", t.table, err)
		}
	}
	r.persons, r.keys = r.persons[:0], r.keys[:0]
	return nil
}

// sizes are what the persons and their keys take on disk, in MB.
func (g *ground) sizes(ctx context.Context) (persons, keys float64, err error) {
	var p, k int64
	err = g.admin.QueryRow(ctx, `SELECT pg_total_relation_size('person'), pg_total_relation_size('person_index')`).Scan(&p, &k)
	return round(float64(p) / 1e6), round(float64(k) / 1e6), err
}

// warm asks for a while without counting.
func (g *ground) warm(ctx context.Context, span time.Duration) error {
	_, err := g.ask(ctx, span, nil)
	return err
}
