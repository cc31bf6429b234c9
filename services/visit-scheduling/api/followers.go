package api

import (
	"sync"
	"time"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
)

const (
	// followedEach is how many jobs one person follows at once: some windows of a
	// browser, each with a job.
	followedEach = 8
	// followedMost is how many are followed in one process: each is looked at in the
	// database twice a second.
	followedMost = 200
	// followAgain is when who was sent away may try again.
	followAgain = 15 * time.Second
)

// Followers bounds how many follow planning jobs at once: an answer that goes on holds a
// connection and asks the database as long as it does. Nil bounds nothing. It is safe for
// concurrent use.
type Followers struct {
	each, most int

	mu  sync.Mutex
	all int
	of  map[string]int // agency and subject → answers that go on
}

// NewFollowers bounds them as is usual.
func NewFollowers() *Followers { return BoundFollowers(followedEach, followedMost) }

// BoundFollowers bounds the answers that go on at once for each person, and in all.
func BoundFollowers(each, most int) *Followers {
	return &Followers{each: each, most: most, of: map[string]int{}}
}

// join counts one more until leave is called. It is RateLimited (too_many_followed) for
// a person who follows as many as one may, and Unavailable (too_many_followers) when the
// process has as many as it bears.
func (f *Followers) join(p auth.Principal) (leave func(), err error) {
	if f == nil {
		return func() {}, nil
	}
	who := p.Agency.String() + "/" + p.Subject
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.of[who] >= f.each:
		return nil, fault.New(fault.RateLimited, "too_many_followed",
			"You follow as many planning jobs as one may at once. Close another, or ask for the job itself now and then.").After(followAgain)
	case f.all >= f.most:
		return nil, fault.New(fault.Unavailable, "too_many_followers",
			"As many planning jobs are followed as can be at once. Come back as Retry-After says, or ask for the job itself now and then.").After(followAgain)
	}
	f.of[who]++
	f.all++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.all--
		if f.of[who]--; f.of[who] == 0 {
			delete(f.of, who)
		}
	}, nil
}
