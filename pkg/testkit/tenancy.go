package testkit

import (
	"context"
	"fmt"
	"testing"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// ProveTenancy reads the catalog of a service's database, as testkit.Database
// gave it, and fails the test for everything by which a row could be seen or
// written across agencies:
//
//   - the role in use is a superuser, bypasses row-level security, or owns a table;
//   - a table does not force row-level security, lacks the policy that
//     hearth_protect makes, or has another one;
//   - agency_id is not the first column of a primary key, is nullable, or is
//     missing from a unique index or a foreign key;
//   - the role may truncate, or reach the migrations' own tables;
//   - a view runs with its owner's rights, a function with its definer's, or a
//     materialized view holds rows without a policy.
func ProveTenancy(t testing.TB, db *postgres.DB) {
	t.Helper()
	breaches, tables, err := tenancyBreaches(t.Context(), db)
	if err != nil {
		t.Fatalf("read the catalog: %v", err)
	}
	if tables == 0 {
		t.Error("there is no table to prove anything about")
	}
	for _, breach := range breaches {
		t.Error(breach)
	}
}

// Each query lists breaches as (what, wrong). "Ours" are tables of the public
// schema but for the version tables of the migrations.
var tenancyQueries = []string{
	`SELECT rolname::text, 'is a superuser or bypasses row-level security' FROM pg_roles
	 WHERE rolname = current_user AND (rolsuper OR rolbypassrls)`,

	`SELECT relname::text, 'is owned by the role in use' FROM ours WHERE pg_has_role(current_user, relowner, 'MEMBER')`,

	`SELECT relname::text, 'does not force row-level security' FROM ours WHERE NOT (relrowsecurity AND relforcerowsecurity)`,

	// The only table without a tenant is lease, which is the backbone's alone.
	`SELECT relname::text, 'has no policy tenant for all commands that compares agency_id with the setting' FROM ours
	 WHERE relname <> 'lease' AND NOT EXISTS (
		SELECT FROM pg_policies p WHERE p.schemaname = 'public' AND p.tablename = relname AND p.policyname = 'tenant' AND p.cmd = 'ALL'
		AND p.qual = $1 AND p.with_check = $1 AND p.roles = '{public}')`,

	`SELECT tablename || '.' || policyname, 'is a policy beside tenant' FROM pg_policies
	 WHERE schemaname = 'public' AND policyname <> 'tenant' AND permissive = 'PERMISSIVE'
	 AND NOT (policyname = 'backbone' AND tablename IN ('outbox', 'inbox', 'parked_event', 'timer', 'lease') AND qual = $2 AND with_check = $2)`,

	`SELECT relname::text, 'has no primary key that begins with agency_id' FROM ours
	 WHERE relname <> 'lease' AND NOT EXISTS (
		SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
		WHERE i.indrelid = ours.oid AND i.indisprimary AND a.attname = 'agency_id')`,

	`SELECT relname::text, 'lets agency_id be null' FROM ours JOIN pg_attribute a ON a.attrelid = ours.oid
	 WHERE a.attname = 'agency_id' AND NOT a.attnotnull`,

	`SELECT i.indexrelid::regclass::text, 'is unique across agencies' FROM ours JOIN pg_index i ON i.indrelid = ours.oid
	 WHERE relname <> 'lease' AND (i.indisunique OR i.indisexclusion) AND NOT EXISTS (
		SELECT FROM pg_attribute a WHERE a.attrelid = ours.oid AND a.attname = 'agency_id' AND a.attnum = ANY (i.indkey))`,

	`SELECT c.conname::text, 'refers across agencies' FROM pg_constraint c JOIN ours ON ours.oid = c.conrelid
	 WHERE c.contype = 'f' AND NOT EXISTS (
		SELECT FROM unnest(c.conkey, c.confkey) AS pair (own, other)
		JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = pair.own
		JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = pair.other
		WHERE a.attname = 'agency_id' AND b.attname = 'agency_id')`,

	`SELECT relname::text, 'may be truncated by the role in use' FROM ours WHERE has_table_privilege(ours.oid, 'TRUNCATE')`,

	`SELECT relname::text, 'may be written by the role in use' FROM pg_class
	 WHERE relnamespace = 'public'::regnamespace AND relname IN ('hearth_kit_version', 'hearth_service_version')
	 AND has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')`,

	`SELECT relname::text, CASE relkind WHEN 'v' THEN 'runs with its owner''s rights: set security_invoker' ELSE 'holds rows without a policy' END FROM pg_class
	 WHERE relnamespace = 'public'::regnamespace
	 AND (relkind = 'm' OR (relkind = 'v' AND NOT coalesce(reloptions @> '{security_invoker=true}', false)))`,

	`SELECT proname::text, 'runs with its definer''s rights' FROM pg_proc p
	 WHERE pronamespace = 'public'::regnamespace AND prosecdef
	 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`,
}

const (
	ours = `WITH ours AS (
		SELECT oid, relname, relowner, relrowsecurity, relforcerowsecurity FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f')
		AND relname NOT IN ('hearth_kit_version', 'hearth_service_version'))
	`
	// As the catalog shows what hearth_protect and hearth_backbone write.
	tenantRule   = `(agency_id = NULLIF(current_setting('hearth.agency'::text, true), ''::text))`
	backboneRule = `(current_setting('hearth.backbone'::text, true) = 'on'::text)`
)

func tenancyBreaches(ctx context.Context, db *postgres.DB) (breaches []string, tables int, err error) {
	err = db.InBackbone(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		breaches = nil
		if err := tx.GetContext(ctx, &tables, ours+`SELECT count(*) FROM ours`); err != nil {
			return err
		}
		for _, query := range tenancyQueries {
			rows, err := tx.QueryContext(ctx, ours+`SELECT * FROM (`+query+`) AS breach WHERE $1 <> '' AND $2 <> ''`, tenantRule, backboneRule)
			if err != nil {
				return fmt.Errorf("%w in %s", err, query)
			}
			for rows.Next() {
				var what, wrong string
				if err := rows.Scan(&what, &wrong); err != nil {
					return err
				}
				breaches = append(breaches, what+" "+wrong)
			}
			if err := rows.Close(); err != nil {
				return err
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	return breaches, tables, err
}
