-- +goose Up

-- An exclusion that was made by mistake, or whose reason is gone, is lifted and
-- stays on record; the worker may be excluded again later.
ALTER TABLE exclusion
    ADD COLUMN lifted_by text, ADD COLUMN lifted_at timestamptz, ADD COLUMN lift_reason text,
    ADD COLUMN exclusion_no bigint GENERATED ALWAYS AS IDENTITY,
    ADD CONSTRAINT exclusion_lifted_whole CHECK (num_nulls(lifted_by, lifted_at, lift_reason) IN (0, 3)),
    DROP CONSTRAINT exclusion_pkey,
    ADD PRIMARY KEY (agency_id, exclusion_no);
CREATE INDEX exclusion_of_case ON exclusion (agency_id, case_id, excluded_at, worker_id);
CREATE UNIQUE INDEX exclusion_standing ON exclusion (agency_id, case_id, worker_id) WHERE lifted_at IS NULL;
