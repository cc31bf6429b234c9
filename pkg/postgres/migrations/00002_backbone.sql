-- +goose Up

-- Events that wait to be sent. Rows are few and short-lived, so dead ones are
-- cleared early: the relay reads from the front of outbox_shard.
CREATE TABLE outbox (
    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    shard       smallint NOT NULL,
    event_id    text NOT NULL,
    topic       text NOT NULL,
    type        text NOT NULL,
    subject     text NOT NULL,
    key         text NOT NULL,
    version     bigint NOT NULL,
    time        timestamptz NOT NULL,
    cause       text NOT NULL DEFAULT '',
    correlation text NOT NULL,
    traceparent text NOT NULL DEFAULT '',
    data        text NOT NULL CHECK (octet_length(data) <= 65536),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (agency_id, seq)
) WITH (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX outbox_shard ON outbox (shard, seq);
SELECT hearth_protect('outbox');
SELECT hearth_backbone('outbox');

-- Events whose effects are in this database; seq is the order they were taken in,
-- which for one key is the order they stand in their topic.
CREATE TABLE inbox (
    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
    event_id    text NOT NULL,
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (agency_id, event_id)
);
CREATE INDEX inbox_received ON inbox USING brin (received_at);
SELECT hearth_protect('inbox');
SELECT hearth_backbone('inbox');

-- Events that could not be handled, and those of the same key behind them, in
-- the order of seq. state: failed and poison hold their key; waiting waits for them.
-- agency_id '_', which is no agency's slug, marks what names no agency.
CREATE TABLE parked_event (
    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
    parked_id   text NOT NULL,
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    state       text NOT NULL CHECK (state IN ('failed', 'poison', 'waiting')),
    topic       text NOT NULL,
    partition   integer NOT NULL,
    record      bigint NOT NULL,
    key         text NOT NULL,
    event_id    text NOT NULL DEFAULT '',
    type        text NOT NULL DEFAULT '',
    reason_code text NOT NULL DEFAULT '',
    attempts    integer NOT NULL DEFAULT 0,
    headers     text NOT NULL,
    record_key  bytea,
    value       bytea,
    recorded_at timestamptz NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    retry_at    timestamptz,
    PRIMARY KEY (agency_id, parked_id),
    UNIQUE (agency_id, topic, partition, record, recorded_at)
);
CREATE INDEX parked_event_key ON parked_event (agency_id, key, seq);
SELECT hearth_protect('parked_event');
SELECT hearth_backbone('parked_event');

-- Timers, by the clock of the service. retry_at, by the clock of the database,
-- holds back one that failed; a parked one waits for an operator.
CREATE TABLE timer (
    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
    kind        text NOT NULL,
    timer_id    text NOT NULL,
    subject     text NOT NULL,
    due_at      timestamptz NOT NULL,
    data        text NOT NULL,
    traceparent text NOT NULL DEFAULT '',
    cause       text NOT NULL DEFAULT '',
    correlation text NOT NULL DEFAULT '',
    set_id      text NOT NULL,
    attempts    integer NOT NULL DEFAULT 0,
    retry_at    timestamptz,
    parked      boolean NOT NULL DEFAULT false,
    reason_code text NOT NULL DEFAULT '',
    PRIMARY KEY (agency_id, kind, timer_id)
);
CREATE INDEX timer_due ON timer (due_at) WHERE NOT parked;
CREATE INDEX timer_parked ON timer (agency_id, due_at) WHERE parked;
SELECT hearth_protect('timer');
SELECT hearth_backbone('timer');

-- Who does a piece of backbone work at present: term grows with every holder.
-- The only table without a tenant, and for InBackbone alone.
CREATE TABLE lease (
    name       text PRIMARY KEY,
    holder     text NOT NULL,
    term       bigint NOT NULL,
    expires_at timestamptz NOT NULL
);
ALTER TABLE lease ENABLE ROW LEVEL SECURITY;
ALTER TABLE lease FORCE ROW LEVEL SECURITY;
SELECT hearth_backbone('lease');
-- +goose StatementBegin
DO $$ BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON lease TO %I', current_setting('hearth.runtime_role'));
END $$;
-- +goose StatementEnd
