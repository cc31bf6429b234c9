-- +goose Up

-- Answers to requests that carried an Idempotency-Key, kept with their effect.
CREATE TABLE idempotency (
    agency_id    text NOT NULL DEFAULT current_setting('hearth.agency'),
    actor        text NOT NULL,
    operation    text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    response     bytea,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (agency_id, actor, operation, key)
);
CREATE INDEX idempotency_created ON idempotency USING brin (created_at);
SELECT hearth_protect('idempotency');

-- Who works on which case, and who may not know of it: excluded beats any role.
CREATE TABLE case_access (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id   text NOT NULL,
    worker_id text NOT NULL,
    role      text NOT NULL DEFAULT '',
    excluded  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (agency_id, case_id, worker_id)
);
CREATE INDEX case_access_worker ON case_access (agency_id, worker_id);
SELECT hearth_protect('case_access');

-- Who read and did what. Rows are added and read, never changed or removed.
CREATE TABLE audit (
    agency_id     text NOT NULL DEFAULT current_setting('hearth.agency'),
    audit_id      text NOT NULL,
    at            timestamptz NOT NULL,
    actor         text NOT NULL,
    action        text NOT NULL,
    resource_type text NOT NULL,
    resource_id   text NOT NULL,
    case_id       text,
    decision      text NOT NULL,
    reason        text,
    PRIMARY KEY (agency_id, audit_id)
);
CREATE INDEX audit_case ON audit (agency_id, case_id, at);
SELECT hearth_protect('audit');
-- +goose StatementBegin
DO $$ BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE ON audit FROM %I', current_setting('hearth.runtime_role'));
END $$;
-- +goose StatementEnd
