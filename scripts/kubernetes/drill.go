package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hearthfps/hearth/scripts/backup/archive"
	"github.com/hearthfps/hearth/scripts/chaos/check"
)

// restored is the namespace a backup is restored into.
const restored = "hearth-restored"

// drill takes a backup while referrals flow, restores it into parts that are new,
// starts the suite on them, and has the checker judge what stands there by what was
// sent before the backup's moment.
func (p *proof) drill(ctx context.Context) error {
	f, err := p.start("drill")
	if err != nil {
		return err
	}
	dir := filepath.Join(p.s.dir, "backup")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	var taken archive.Manifest
	taking := f.during(ctx, "a backup taken", func() error {
		if err := f.calm(ctx); err != nil {
			return err
		}
		taken, err = archive.Take(ctx, p.in.archived(), archive.Options{Dir: dir, Point: "drill-" + time.Now().Format("20060102-150405")})
		if err == nil {
			say("  the moment held up those who publish for %d ms; %d records of topics", taken.Ended.Sub(taken.Began).Milliseconds(), taken.Records())
		}
		return err
	})
	if err := errors.Join(taking, f.end(ctx)); err != nil {
		return err
	}
	sent, err := p.journal()
	if err != nil {
		return err
	}
	var other *infrastructure
	// An earlier drill's is not empty.
	if _, err := command(ctx, nil, "kubectl", "delete", "namespace", restored, "--ignore-not-found", "--timeout", "5m"); err != nil {
		return err
	}
	err = p.r.step("new PostgreSQL, Kafka and Redis, empty", func() (_ Figures, err error) {
		if other, err = standIns(ctx, p.s, restored, false); err != nil {
			return nil, err
		}
		return nil, other.furnish(ctx, p.s)
	})
	if err != nil {
		return err
	}
	err = p.r.step("the backup restored", func() (Figures, error) {
		m, err := archive.Restore(ctx, dir, other.archived())
		return Figures{"databases": len(m.Databases), "topics": len(m.Topics), "records": m.Records(), "moment_ms": m.Ended.Sub(m.Began).Milliseconds()}, err
	})
	if err != nil {
		return err
	}
	err = p.r.step("helm install of all six on it", func() (Figures, error) {
		for _, name := range services {
			if err := other.install(ctx, p.s, name, firstTag); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	return p.r.step("the ledger as of the backup's moment", func() (Figures, error) {
		var missing, early []string
		figures, err := other.judge(ctx, settleWithin, sent, func(all []check.Sent, e check.Evidence) (kept []check.Sent) {
			kept, missing, early = asOf(all, e.Receipts, taken.Began, taken.Ended)
			return kept
		})
		if figures != nil {
			figures["sent_before_and_missing"], figures["sent_after_and_there"] = len(missing), len(early)
		}
		if len(missing) > 0 || len(early) > 0 {
			err = errors.Join(err, fmt.Errorf("answered before the moment and not there: %v; sent after it and there: %v", missing, early))
		}
		return figures, err
	})
}

// archived is a namespace's suite as the backup sees it.
func (in *infrastructure) archived() archive.Suite {
	source := in.source("")
	return archive.Suite{Databases: source.Databases, Kafka: in.kafka, Topics: append(source.Topics, inbound), Groups: services}
}

// asOf picks of all that was sent what must stand in a backup of a moment, and
// what may and does: what was under way when it was taken. missing was answered
// before the moment began and has no receipt; early was sent after it ended and
// has one. Neither may be.
func asOf(all []check.Sent, receipts []check.Receipt, began, ended time.Time) (kept []check.Sent, missing, early []string) {
	type key struct{ source, id string }
	stands := map[key]bool{}
	for _, r := range receipts {
		stands[key{r.Source, r.ID}] = true
	}
	for _, s := range all {
		there := stands[key{s.Source, s.ID}]
		switch {
		case s.Answered.Before(began):
			kept = append(kept, s)
			if !there {
				missing = append(missing, s.ID)
			}
		case s.Began.After(ended):
			if there {
				early = append(early, s.ID)
			}
		case there:
			kept = append(kept, s)
		}
	}
	return kept, missing, early
}
