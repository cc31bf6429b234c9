-- +goose Up

-- Who plans and looks at days together; '' is none.
ALTER TABLE worker ADD COLUMN team text NOT NULL DEFAULT '';

-- An urgent series holds the visits of one case that no plan asked for. A case
-- has one active series of each kind at most.
ALTER TABLE series ADD COLUMN kind text NOT NULL DEFAULT 'plan' CHECK (kind IN ('plan', 'urgent'));
CREATE UNIQUE INDEX series_one_active_of_kind ON series (agency_id, case_id, kind) WHERE status = 'active';
DROP INDEX series_one_active;

-- When this one visit may take place, whatever its series says; NULL is what the
-- series says.
ALTER TABLE visit ADD COLUMN not_before timestamptz, ADD COLUMN done_by timestamptz,
    ADD CONSTRAINT visit_time_allowed CHECK ((not_before IS NULL) = (done_by IS NULL) AND (not_before IS NULL OR not_before < done_by));

-- What changed of the days that are kept laid out in memory. A reader that knows
-- in which snapshot it read finds what was committed since: a counter would be
-- one row that every change waits for, a sequence loses what commits late.
CREATE TABLE day_change (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    txid      xid8 NOT NULL DEFAULT pg_current_xact_id(),
    day       date NOT NULL, -- in UTC; '-infinity' is every day
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (agency_id, txid, day)
);
CREATE INDEX day_change_at ON day_change (agency_id, at);
SELECT hearth_protect('day_change');

-- +goose StatementBegin
CREATE FUNCTION booking_changes_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO day_change (day) VALUES ((lower(OLD.during) AT TIME ZONE 'UTC')::date), ((upper(OLD.during) AT TIME ZONE 'UTC')::date)
        ON CONFLICT DO NOTHING;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO day_change (day) VALUES ((lower(NEW.during) AT TIME ZONE 'UTC')::date), ((upper(NEW.during) AT TIME ZONE 'UTC')::date)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER booking_day_change AFTER INSERT OR UPDATE OR DELETE ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_changes_days();

-- +goose StatementBegin
CREATE FUNCTION every_day_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO day_change (day) VALUES ('-infinity') ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER worker_day_change AFTER INSERT OR UPDATE OR DELETE ON worker
    FOR EACH STATEMENT EXECUTE FUNCTION every_day_changes();
CREATE TRIGGER absence_day_change AFTER INSERT OR UPDATE OR DELETE ON absence
    FOR EACH STATEMENT EXECUTE FUNCTION every_day_changes();
CREATE TRIGGER travel_point_moved AFTER UPDATE OF known, lat, lon ON travel_point
    FOR EACH ROW WHEN ((OLD.known, OLD.lat, OLD.lon) IS DISTINCT FROM (NEW.known, NEW.lat, NEW.lon)) EXECUTE FUNCTION every_day_changes();
CREATE TRIGGER travel_point_gone AFTER DELETE ON travel_point
    FOR EACH ROW EXECUTE FUNCTION every_day_changes();

-- Places offered for an urgent visit: what was asked, what was offered, and what
-- was taken. places: [{"slot", "moves": [{"visit", "version", "from", "to"}]}].
CREATE TABLE urgent_offer (
    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
    offer_id    text NOT NULL,
    case_id     text NOT NULL,
    request     jsonb NOT NULL,
    places      jsonb NOT NULL,
    offered_by  text NOT NULL,
    expires_at  timestamptz NOT NULL,
    visit_id    text NOT NULL DEFAULT '',
    place_taken integer NOT NULL DEFAULT 0,
    PRIMARY KEY (agency_id, offer_id),
    FOREIGN KEY (agency_id, case_id) REFERENCES family_case
);
CREATE INDEX urgent_offer_expires ON urgent_offer (agency_id, expires_at);
SELECT hearth_protect('urgent_offer');

-- A planning of several weeks, and what it proposes. Several may be open at once:
-- each visit's version decides whose proposal may still be published.
CREATE TABLE planning_job (
    agency_id     text NOT NULL DEFAULT current_setting('hearth.agency'),
    job_id        text NOT NULL,
    status        text NOT NULL CHECK (status IN ('queued', 'running', 'proposed', 'published', 'discarded', 'cancelled', 'failed')),
    request       jsonb NOT NULL,
    progress      jsonb NOT NULL,
    failure_code  text NOT NULL DEFAULT '',
    stop_asked    boolean NOT NULL DEFAULT false,
    asked_by      text NOT NULL,
    asked_at      timestamptz NOT NULL,
    ended_at      timestamptz,
    claimed_by    text NOT NULL DEFAULT '',
    claimed_until timestamptz,
    version       bigint NOT NULL,
    PRIMARY KEY (agency_id, job_id)
);
CREATE INDEX planning_job_waiting ON planning_job (agency_id, asked_at) WHERE status IN ('queued', 'running');
SELECT hearth_protect('planning_job');

-- The difference a job proposes: one row a visit.
CREATE TABLE planning_change (
    agency_id     text NOT NULL DEFAULT current_setting('hearth.agency'),
    job_id        text NOT NULL,
    visit_id      text NOT NULL,
    visit_version bigint NOT NULL,
    case_id       text NOT NULL,
    week_of       date NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('moved', 'new', 'unplaced')),
    before        jsonb,
    after         jsonb,
    reasons       jsonb NOT NULL,
    published     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (agency_id, job_id, visit_id),
    FOREIGN KEY (agency_id, job_id) REFERENCES planning_job ON DELETE CASCADE,
    CHECK ((kind = 'unplaced') = (after IS NULL) AND (kind = 'moved') = (before IS NOT NULL))
);
SELECT hearth_protect('planning_change');
