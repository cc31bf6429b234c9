package schedule

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
)

// FeedID names a calendar feed. It is no secret.
type FeedID string

// FeedKind is whose calendar a feed is.
type FeedKind string

// A feed is of a worker or of a team.
const (
	OfWorker FeedKind = "worker"
	OfTeam   FeedKind = "team"
)

// Feed is an address under which a calendar program that cannot send a bearer token
// reads a worker's or a team's appointments. Whoever knows the address reads them, so
//
//   - it holds 256 random bits, shown once, when it is made; kept is their SHA-256
//     alone, so that neither the database nor a backup of it opens a feed;
//   - the feed is found by its id and the bits are compared in constant time: how long
//     an answer takes tells nothing of them;
//   - wrong, revoked, expired and never made are answered the same;
//   - what it opens is little: times, and of a team who is busy. No family, place,
//     case or visit id is in it; the ids of its entries are its own, so that two
//     feeds cannot be laid side by side, nor one beside the API;
//   - it ends by itself, and at once when it is revoked;
//   - the bits are in the path, for programs that drop queries. This service writes no
//     paths: logs, traces and metrics have the operation's template. What stands
//     before it must not either; answers ask that no reader passes the address on
//     (Referrer-Policy) and that nobody keeps or indexes them;
//   - readings of one feed and of all are bounded, whether the bits are right or not.
//
// What it does not stop: whoever has the address may pass it on. When it was last read
// is shown with it; one that nobody should be reading is revoked.
type Feed struct {
	ID      FeedID
	Kind    FeedKind
	Subject string // the worker or the team
	Hash    [sha256.Size]byte
	By      string
	MadeAt  time.Time
	Expires time.Time
	// ReadAt is when it was last read, to the hour; zero is never.
	ReadAt time.Time
}

const (
	// FeedDays is how long a feed is good for at most, in days.
	FeedDays = 400
	// MaxFeeds is how many feeds a worker or a team has at most.
	MaxFeeds = 10
	// secretBytes is how many random bytes an address holds.
	secretBytes = 32
)

// NewFeed makes a feed, and the secret of its address. random is crypto/rand.Reader
// where nil.
func NewFeed(id FeedID, kind FeedKind, subject, by string, now, expires time.Time, random io.Reader) (f Feed, secret string, err error) {
	if random == nil {
		random = rand.Reader
	}
	var bits [secretBytes]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return f, "", fmt.Errorf("draw the secret of a feed: %w", err)
	}
	f = Feed{ID: id, Kind: kind, Subject: subject, Hash: sha256.Sum256(bits[:]), By: by, MadeAt: now, Expires: expires}
	return f, base64.RawURLEncoding.EncodeToString(bits[:]), nil
}

// Opens says whether secret opens the feed now. It takes the same time for every
// secret of the right length, and for a feed there is none of.
func (f Feed) Opens(secret string, now time.Time) bool {
	bits, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	hash := sha256.Sum256(bits)
	same := subtle.ConstantTimeCompare(hash[:], f.Hash[:]) == 1
	return same && err == nil && len(bits) == secretBytes && now.Before(f.Expires)
}

// EntryID is the id of a visit in this feed and in no other.
func (f Feed) EntryID(v VisitID) string {
	return uuid.NewSHA1(namespace, fmt.Appendf(nil, "feed/%s/%x/%s", f.ID, f.Hash, v)).String()
}
