package optimise

import (
	"context"
	"sync/atomic"
	"time"
)

// reasonShare is the part of the time until a deadline that is kept for finding
// out why visits are left out: one in so many.
const reasonShare = 10

// answerShare is the part kept for the answer where nothing is left out.
const answerShare = 100

// budget is when a search ends: by its work, by the clock, or when cancelled.
type budget struct {
	ctx      context.Context
	work     int64
	now      func() time.Time
	began    time.Time
	searched time.Time // when searching ends; zero is never
	deadline time.Time
}

func newBudget(ctx context.Context, opt Options, visits int) *budget {
	b := &budget{ctx: ctx, work: opt.WorkUnits, now: opt.Clock, deadline: opt.Deadline}
	if b.now == nil {
		b.now = time.Now
	}
	b.began = b.now()
	if opt.WorkUnits <= 0 && opt.Deadline.IsZero() {
		b.work = 20 * int64(visits)
	}
	switch {
	case opt.Deadline.IsZero():
	case opt.Unexplained:
		b.searched = opt.Deadline
	default:
		b.searched = opt.Deadline.Add(-opt.Deadline.Sub(b.began) / reasonShare)
	}
	return b
}

// explained takes the time kept for reasons for searching, but what it takes to
// write the answer down: nothing is left out that would need one.
func (b *budget) explained() {
	if end := b.deadline.Add(-b.deadline.Sub(b.began) / answerShare); !b.deadline.IsZero() && end.After(b.searched) {
		b.searched = end
	}
}

// over says whether nothing more may be begun.
func (b *budget) over() bool {
	return b.ctx.Err() != nil || (!b.deadline.IsZero() && !b.now().Before(b.deadline))
}

// progress is how much of a search is done after so many steps, 1 at its end.
func (b *budget) progress(steps int64) float64 {
	if b.ctx.Err() != nil {
		return 1
	}
	done := 0.0
	if b.work > 0 {
		done = float64(steps) / float64(b.work)
	}
	if !b.searched.IsZero() {
		done = max(done, float64(b.now().Sub(b.began))/float64(max(1, b.searched.Sub(b.began))))
	}
	return done
}

// quota is how many of the steps wanted a region may make in a round, when so many
// were made before it: a part of the work there is.
func (b *budget) quota(wanted int, before int64, regions int) int64 {
	q := int64(wanted)
	if b.work > 0 {
		q = min(q, (b.work-before)/int64(regions)+1)
	}
	return max(1, q)
}

// steps is the progress of so many steps of a region.
func (b *budget) steps(quota int64) func(int64) float64 {
	return func(steps int64) float64 {
		if b.progress(0) >= 1 {
			return 1
		}
		return float64(steps) / float64(quota)
	}
}

// together is steps for regions of which each has a thread: where the clock ends the
// search, who is done goes on until all are, as there is nothing to wait for.
func (b *budget) together(quota int64, busy *atomic.Int32) func(int64) float64 {
	alone := b.steps(quota)
	if b.work > 0 {
		return alone
	}
	done := false
	return func(steps int64) float64 {
		p := alone(steps)
		if p >= 1 && !done {
			done = true
			busy.Add(-1)
		}
		if p >= 1 && b.progress(0) < 1 && busy.Load() > 0 {
			return 0
		}
		return p
	}
}

// share is the time of one of several waves of searches, one after the other.
func (b *budget) share(wave, waves int) *budget {
	out := *b
	if !b.searched.IsZero() {
		each := b.searched.Sub(b.began) / time.Duration(waves)
		out.began = b.began.Add(each * time.Duration(wave))
		out.searched = out.began.Add(each)
	}
	return &out
}
