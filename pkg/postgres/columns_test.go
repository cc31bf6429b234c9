package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/postgres"
)

func TestConditions_NumberTheirArgumentsBehindThoseGiven(t *testing.T) {
	c := postgres.Conditions{Args: []any{"given"}}
	if got := c.SQL(); got != "" {
		t.Errorf("nothing asked is %q, want no clause", got)
	}
	c.Equal("case_id", "")
	c.Equal("state", "open")
	c.Where = append(c.Where, "id < "+c.Arg(7))
	if got, want := c.SQL(), " WHERE state = $2 AND id < $3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if diff := cmp.Diff([]any{"given", "open", 7}, c.Args); diff != "" {
		t.Error(diff)
	}
}

func TestJSON_ReadsWhatWriteJSONWrote(t *testing.T) {
	text, err := postgres.WriteJSON([]string{"fi", "sv"})
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range []any{text, []byte(text)} {
		var d postgres.JSON[[]string]
		if err := d.Scan(src); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"fi", "sv"}, d.V); diff != "" {
			t.Error(diff)
		}
	}
	d := postgres.JSON[int]{}
	if err := d.Scan(nil); err != nil || d.V != 0 {
		t.Errorf("NULL: %d, %v, want the zero value", d.V, err)
	}
	if err := d.Scan(7); err == nil {
		t.Error("a number was read as jsonb")
	}
}

func TestNullTime_ZeroIsNull(t *testing.T) {
	if got := postgres.NullTime(time.Time{}); got != nil {
		t.Errorf("the zero time is %v, want NULL", got)
	}
	now := time.Now()
	if got := postgres.NullTime(now); got != now {
		t.Errorf("got %v, want %v", got, now)
	}
}
