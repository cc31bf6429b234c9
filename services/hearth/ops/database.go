package ops

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// oldestPostgres is the oldest version that is tested with.
const oldestPostgres = 150000

const aboutDatabase = `
SELECT current_setting('server_version_num')::int, clock_timestamp(), r.rolname, r.rolsuper, r.rolbypassrls,
	(SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relowner = r.oid),
	has_schema_privilege('public', 'CREATE'),
	(SELECT coalesce(string_agg(relname, ', ' ORDER BY relname), '') FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname NOT IN ('hearth_kit_version', 'hearth_service_version')
		AND NOT (relrowsecurity AND relforcerowsecurity)),
	(SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p'))
FROM pg_roles r WHERE r.rolname = current_user`

const aboutWork = `
SELECT (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 FROM outbox), (SELECT count(*) FROM outbox),
	(SELECT count(DISTINCT (agency_id, key)) FROM parked_event), (SELECT count(*) FROM timer WHERE parked)`

// database looks at the role the service works as, the tables, and what lies in them.
func (d Doctor) database(ctx context.Context, r *report, p Patient) {
	began := d.Now()
	db, err := postgres.Open(ctx, postgres.Config{URL: p.Config.DatabaseURL, MaxConns: 2})
	if err != nil {
		r.fault("database", postgres.Describe(err), "Is database_url right, does PostgreSQL run, and may this machine reach it?")
		return
	}
	defer db.Close()
	var (
		version, owns, tables int64
		at                    time.Time
		role, unprotected     string
		super, bypass, create bool
	)
	err = one(ctx, db, aboutDatabase, &version, &at, &role, &super, &bypass, &owns, &create, &unprotected, &tables)
	if err != nil {
		r.fault("database", postgres.Describe(err), "")
		return
	}
	if version < oldestPostgres {
		r.fault("database", fmt.Sprintf("it is PostgreSQL %d", version/10000), "Use 15 or newer.")
	}
	if skew := at.Sub(began.Add(d.Now().Sub(began) / 2)); !r.within(skew) {
		r.fault("clock", fmt.Sprintf("the database's clock stands %s from this machine's", seconds(skew)), "Synchronise both with NTP: leases and retries go by it.")
	}
	switch {
	case super || bypass:
		r.fault("role", role+" is a superuser or has BYPASSRLS: agencies are not kept apart", "Give the service a role of its own: CREATE ROLE … LOGIN, and nothing else.")
	case owns > 0:
		r.fault("role", fmt.Sprintf("%s owns %s: it could lift their protection", role, plural(owns, "table", "tables")), "Migrate as another role (migrate_database_url), and work as one that owns nothing.")
	case create:
		r.warn("role", role+" may create tables", "REVOKE CREATE ON SCHEMA public FROM PUBLIC.")
	default:
		r.good("role", role+" owns nothing and is subject to row-level security")
	}
	d.schema(ctx, r, p, db, tables, unprotected)
}

func (d Doctor) schema(ctx context.Context, r *report, p Patient, db *postgres.DB, tables int64, unprotected string) {
	if tables == 0 {
		r.fault("migrations", "the database has no tables", p.Service.Name+" migrate, as the owner.")
		return
	}
	if unprotected != "" {
		r.fault("row-level security", "it is not forced on "+unprotected, "A table made by hand? SELECT hearth_protect('…') as the owner, after a look at what it is.")
	} else {
		r.good("row-level security", fmt.Sprintf("it is forced on all tables (%d)", tables))
	}
	wanted, err := postgres.WantedVersion(p.Service.Migrations)
	if err != nil {
		r.fault("migrations", err.Error(), "")
		return
	}
	has, err := db.SchemaVersion(ctx)
	switch {
	case err != nil:
		r.fault("migrations", postgres.Describe(err), p.Service.Name+" migrate, as the owner: it also lets the service read the version.")
		return
	case has.Kit < wanted.Kit || has.Service < wanted.Service:
		r.fault("migrations", fmt.Sprintf("the tables are at %d.%d, this version needs %d.%d", has.Kit, has.Service, wanted.Kit, wanted.Service), p.Service.Name+" migrate, as the owner.")
		return
	case has != wanted:
		r.warn("migrations", fmt.Sprintf("the tables are at %d.%d, newer than this hearth's %d.%d", has.Kit, has.Service, wanted.Kit, wanted.Service), "Use the hearth of the version that is deployed.")
	default:
		r.good("migrations", fmt.Sprintf("the tables are at %d.%d", has.Kit, has.Service))
	}
	d.work(ctx, r, db)
}

// work is what waits in the tables.
func (d Doctor) work(ctx context.Context, r *report, db *postgres.DB) {
	var age float64
	var waiting, parked, timers int64
	if err := one(ctx, db, aboutWork, &age, &waiting, &parked, &timers); err != nil {
		r.fault("outbox", postgres.Describe(err), "")
		return
	}
	if oldest := time.Duration(age * float64(time.Second)); oldest > time.Minute {
		r.fault("outbox", fmt.Sprintf("%s; the oldest for %s", plural(waiting, "event waits to be sent", "events wait to be sent"), seconds(oldest)), "Runbook HearthOutboxStuck.")
	} else {
		r.good("outbox", plural(waiting, "event waits", "events wait"))
	}
	if parked > 0 {
		r.fault("parked events", plural(parked, "key is parked", "keys are parked"), "hearth parked list; runbook HearthKeysParked.")
	} else {
		r.good("parked events", "none")
	}
	if timers > 0 {
		r.fault("timers", plural(timers, "timer failed for good", "timers failed for good"), "Runbook HearthTimersParked.")
	}
}

// one reads one row of the backbone's view.
func one(ctx context.Context, db *postgres.DB, query string, into ...any) error {
	return db.AskBackbone(ctx, query, nil, func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}
