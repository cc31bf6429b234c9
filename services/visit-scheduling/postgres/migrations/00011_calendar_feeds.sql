-- +goose Up

-- Addresses under which calendars that cannot send a token read appointments
-- (schedule.Feed). secret_hash is the SHA-256 of 256 random bits; a feed that is
-- revoked is gone.
CREATE TABLE calendar_feed (
    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
    feed_id     text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('worker', 'team')),
    subject     text NOT NULL,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    made_by     text NOT NULL,
    made_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    read_at     timestamptz,
    PRIMARY KEY (agency_id, feed_id)
);
CREATE INDEX calendar_feed_subject ON calendar_feed (agency_id, kind, subject, made_at);
SELECT hearth_protect('calendar_feed');
