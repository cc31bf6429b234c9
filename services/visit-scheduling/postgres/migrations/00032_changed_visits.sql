-- +goose Up

-- Which visit changed a day, so that a board kept in memory is amended where it is
-- laid out; '' is every visit.
ALTER TABLE day_change ADD COLUMN visit_id text NOT NULL DEFAULT '';
ALTER TABLE day_change DROP CONSTRAINT day_change_pkey, ADD PRIMARY KEY (agency_id, txid, day, visit_id);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION booking_changes_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO day_change (day, visit_id)
        VALUES ((lower(OLD.during) AT TIME ZONE 'UTC')::date, OLD.visit_id), ((upper(OLD.during) AT TIME ZONE 'UTC')::date, OLD.visit_id)
        ON CONFLICT DO NOTHING;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO day_change (day, visit_id)
        VALUES ((lower(NEW.during) AT TIME ZONE 'UTC')::date, NEW.visit_id), ((upper(NEW.during) AT TIME ZONE 'UTC')::date, NEW.visit_id)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
