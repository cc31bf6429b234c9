package testkit_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/testkit"
)

func TestProveTenancy_TheKitsOwnTables(t *testing.T) {
	db, _ := testkit.Database(t, nil)
	testkit.ProveTenancy(t, db)
}

const column = "agency_id text NOT NULL DEFAULT current_setting('hearth.agency')"

func TestProveTenancy_FindsEveryBreach(t *testing.T) {
	const good = `CREATE TABLE good (` + column + `, id text, PRIMARY KEY (agency_id, id)); SELECT hearth_protect('good');`
	for name, tc := range map[string]struct {
		sql  string
		want []string
	}{
		"nothing": {``, nil},
		"unprotected": {
			`CREATE TABLE bad (` + column + `, id text, PRIMARY KEY (agency_id, id))`,
			[]string{"bad does not force row-level security", "bad has no policy tenant for all commands that compares agency_id with the setting"},
		},
		"not forced":     {`ALTER TABLE good NO FORCE ROW LEVEL SECURITY`, []string{"good does not force row-level security"}},
		"another policy": {`CREATE POLICY open ON good USING (true)`, []string{"good.open is a policy beside tenant"}},
		"a weaker policy": {
			`ALTER POLICY tenant ON good USING (true)`,
			[]string{"good has no policy tenant for all commands that compares agency_id with the setting"},
		},
		"backbone where it has no place": {`SELECT hearth_backbone('good')`, []string{"good.backbone is a policy beside tenant"}},
		"key": {
			`CREATE TABLE bad (` + column + `, id text, PRIMARY KEY (id, agency_id)); SELECT hearth_protect('bad');`,
			[]string{"bad has no primary key that begins with agency_id"},
		},
		"null": {
			`CREATE TABLE bad (agency_id text, id text); SELECT hearth_protect('bad');`,
			[]string{"bad has no primary key that begins with agency_id", "bad lets agency_id be null"},
		},
		"unique": {`CREATE UNIQUE INDEX alone ON good (id)`, []string{"alone is unique across agencies"}},
		"foreign key": {
			`ALTER TABLE good ADD UNIQUE (id, agency_id); CREATE UNIQUE INDEX only_id ON good (id);
			CREATE TABLE child (` + column + `, id text REFERENCES good (id), PRIMARY KEY (agency_id, id)); SELECT hearth_protect('child');`,
			[]string{"child_id_fkey refers across agencies", "only_id is unique across agencies"},
		},
		"truncate":  {`GRANT TRUNCATE ON good TO test_runtime`, []string{"good may be truncated by the role in use"}},
		"versions":  {`GRANT INSERT ON hearth_kit_version TO test_runtime`, []string{"hearth_kit_version may be written by the role in use"}},
		"view":      {`CREATE VIEW peep AS SELECT id FROM good`, []string{"peep runs with its owner's rights: set security_invoker"}},
		"good view": {`CREATE VIEW peep WITH (security_invoker = true) AS SELECT id FROM good`, nil},
		"copy":      {`CREATE MATERIALIZED VIEW copied AS SELECT id FROM good`, []string{"copied holds rows without a policy"}},
		"definer":   {`CREATE FUNCTION trick() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`, []string{"trick runs with its definer's rights"}},
		"owner":     {`ALTER TABLE good OWNER TO test_runtime`, []string{"good is owned by the role in use", "good may be truncated by the role in use"}},
	} {
		t.Run(name, func(t *testing.T) {
			db, url := testkit.Database(t, fstest.MapFS{"00001_good.sql": {Data: []byte("-- +goose Up\n" + good)}})
			connect := testkit.OwnerURL(url)
			if name == "owner" {
				connect = strings.Replace(url, "user=test_runtime", "user=hearth", 1)
			}
			owner, err := pgx.Connect(t.Context(), connect+"&hearth.runtime_role=test_runtime")
			if err != nil {
				t.Fatal(err)
			}
			_, err = owner.Exec(t.Context(), tc.sql)
			if closed := owner.Close(t.Context()); err != nil || closed != nil {
				t.Fatal(err, closed)
			}
			got, _, err := testkit.TenancyBreaches(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
