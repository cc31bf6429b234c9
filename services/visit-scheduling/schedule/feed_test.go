package schedule_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func TestFeed_OpensForItsSecretUntilItExpires(t *testing.T) {
	now := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	f, secret, err := schedule.NewFeed("f1", schedule.OfWorker, "w1", "w1", now, now.Add(time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	other, second, err := schedule.NewFeed("f1", schedule.OfWorker, "w1", "w1", now, now.Add(time.Hour), nil)
	if err != nil || second == secret || len(secret) != 43 {
		t.Fatalf("secrets %q and %q, %v", secret, second, err)
	}
	flipped := "A" + secret[1:]
	if secret[0] == 'A' {
		flipped = "B" + secret[1:]
	}
	for name, test := range map[string]struct {
		feed   schedule.Feed
		secret string
		at     time.Time
		want   bool
	}{
		"its own":             {f, secret, now, true},
		"to its last moment":  {f, secret, now.Add(time.Hour - 1), true},
		"expired":             {f, secret, now.Add(time.Hour), false},
		"another feed's":      {other, secret, now, false},
		"one letter changed":  {f, flipped, now, false},
		"a part of it":        {f, secret[:42], now, false},
		"more than it":        {f, secret + "A", now, false},
		"with padding":        {f, secret + "=", now, false},
		"nothing":             {f, "", now, false},
		"no feed, no secret":  {schedule.Feed{Expires: now.Add(time.Hour)}, "", now, false},
		"no feed, some":       {schedule.Feed{Expires: now.Add(time.Hour)}, secret, now, false},
		"the hash in its way": {f, strings.Repeat("A", 43), now, false},
	} {
		if got := test.feed.Opens(test.secret, test.at); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if a, b := f.EntryID("v1"), other.EntryID("v1"); a == b || a != f.EntryID("v1") || strings.Contains(a, "v1") {
		t.Errorf("a visit is %s in one feed and %s in another", a, b)
	}
	if _, _, err := schedule.NewFeed("f1", schedule.OfWorker, "w1", "w1", now, now, bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("a feed was made of too little chance")
	}
}
