package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

type feedRow struct {
	ID      string     `db:"feed_id"`
	Kind    string     `db:"kind"`
	Subject string     `db:"subject"`
	Hash    []byte     `db:"secret_hash"`
	By      string     `db:"made_by"`
	MadeAt  time.Time  `db:"made_at"`
	Expires time.Time  `db:"expires_at"`
	ReadAt  *time.Time `db:"read_at"`
}

func (r feedRow) feed() schedule.Feed {
	f := schedule.Feed{
		ID: schedule.FeedID(r.ID), Kind: schedule.FeedKind(r.Kind), Subject: r.Subject, By: r.By, MadeAt: r.MadeAt.UTC(), Expires: r.Expires.UTC(),
	}
	copy(f.Hash[:], r.Hash)
	if r.ReadAt != nil {
		f.ReadAt = r.ReadAt.UTC()
	}
	return f
}

const feedColumns = `feed_id, kind, subject, secret_hash, made_by, made_at, expires_at, read_at`

// Feed reads a feed by its id; NotFound when there is none.
func (Store) Feed(ctx context.Context, tx *postgres.Tx, id schedule.FeedID) (schedule.Feed, error) {
	var row feedRow
	err := tx.GetContext(ctx, &row, `SELECT `+feedColumns+` FROM calendar_feed WHERE feed_id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return schedule.Feed{}, fault.Missing("calendar_feed")
	}
	if err != nil {
		return schedule.Feed{}, fmt.Errorf("read calendar feed: %w", err)
	}
	return row.feed(), nil
}

// Feeds reads the feeds of a worker or a team that have not expired by now, the oldest first.
func (Store) Feeds(ctx context.Context, tx *postgres.Tx, kind schedule.FeedKind, subject string, now time.Time) ([]schedule.Feed, error) {
	var rows []feedRow
	err := tx.SelectContext(ctx, &rows, `SELECT `+feedColumns+` FROM calendar_feed
		WHERE kind = $1 AND subject = $2 AND expires_at > $3 ORDER BY made_at, feed_id`, kind, subject, now)
	if err != nil {
		return nil, fmt.Errorf("read calendar feeds: %w", err)
	}
	feeds := make([]schedule.Feed, len(rows))
	for i, r := range rows {
		feeds[i] = r.feed()
	}
	return feeds, nil
}

// AddFeed stores a new feed.
func (Store) AddFeed(ctx context.Context, tx *postgres.Tx, f schedule.Feed) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO calendar_feed (feed_id, kind, subject, secret_hash, made_by, made_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, f.ID, f.Kind, f.Subject, f.Hash[:], f.By, f.MadeAt, f.Expires)
	if err != nil {
		return fmt.Errorf("store calendar feed: %w", err)
	}
	return nil
}

// RemoveFeed revokes a feed; NotFound when the worker or team has no such one.
func (Store) RemoveFeed(ctx context.Context, tx *postgres.Tx, kind schedule.FeedKind, subject string, id schedule.FeedID) error {
	gone, err := tx.ExecContext(ctx, `DELETE FROM calendar_feed WHERE kind = $1 AND subject = $2 AND feed_id = $3`, kind, subject, id)
	if err != nil {
		return fmt.Errorf("revoke calendar feed: %w", err)
	}
	if n, err := gone.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fault.Missing("calendar_feed")
}

// FeedRead notes that a feed was read, once an hour.
func (Store) FeedRead(ctx context.Context, tx *postgres.Tx, id schedule.FeedID, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE calendar_feed SET read_at = $2::timestamptz WHERE feed_id = $1 AND (read_at IS NULL OR read_at < $2::timestamptz - interval '1 hour')`, id, now)
	if err != nil {
		return fmt.Errorf("note reading of calendar feed: %w", err)
	}
	return nil
}

// ForgetFeeds removes feeds that expired before a time.
func (Store) ForgetFeeds(ctx context.Context, tx *postgres.Tx, before time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM calendar_feed WHERE expires_at < $1`, before); err != nil {
		return fmt.Errorf("forget calendar feeds: %w", err)
	}
	return nil
}
