-- +goose Up

-- For the exclusion of overlaps below: text and ranges in one GiST index. It is
-- a trusted extension: the database's owner may create it.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Who can be sent. hours: [{"weekday", "from", "to"}] on the agency's clock.
CREATE TABLE worker (
    agency_id  text NOT NULL DEFAULT current_setting('hearth.agency'),
    worker_id  text NOT NULL,
    skills     jsonb NOT NULL,
    languages  jsonb NOT NULL,
    base_lat   double precision,
    base_lon   double precision,
    hours      jsonb NOT NULL,
    version    bigint NOT NULL,
    PRIMARY KEY (agency_id, worker_id),
    CHECK ((base_lat IS NULL) = (base_lon IS NULL))
);
SELECT hearth_protect('worker');

CREATE TABLE absence (
    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
    worker_id   text NOT NULL,
    absence_id  text NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    reason_code text NOT NULL,
    PRIMARY KEY (agency_id, worker_id, absence_id),
    FOREIGN KEY (agency_id, worker_id) REFERENCES worker ON DELETE CASCADE,
    CHECK (starts_at < ends_at)
);
SELECT hearth_protect('absence');

-- What this service knows of a case: where it is, in which story, and whether it
-- is closed. The rest is planning's.
CREATE TABLE family_case (
    agency_id    text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id      text NOT NULL,
    household_id text NOT NULL DEFAULT '',
    traceparent  text NOT NULL DEFAULT '',
    closed_at    timestamptz,
    PRIMARY KEY (agency_id, case_id)
);
SELECT hearth_protect('family_case');

CREATE TABLE series (
    agency_id    text NOT NULL DEFAULT current_setting('hearth.agency'),
    series_id    text NOT NULL,
    case_id      text NOT NULL,
    plan_id      text NOT NULL,
    plan_version bigint NOT NULL,
    starts_on    date NOT NULL,
    ends_on      date NOT NULL,
    pattern      jsonb NOT NULL,
    workers      jsonb NOT NULL,
    recipients   jsonb NOT NULL,
    status       text NOT NULL CHECK (status IN ('active', 'ended')),
    end_reason   text NOT NULL DEFAULT '',
    planned      integer NOT NULL,
    version      bigint NOT NULL,
    PRIMARY KEY (agency_id, series_id),
    UNIQUE (agency_id, plan_id, plan_version),
    FOREIGN KEY (agency_id, case_id) REFERENCES family_case
);
CREATE UNIQUE INDEX series_one_active ON series (agency_id, case_id) WHERE status = 'active';
CREATE INDEX series_case ON series (agency_id, case_id, series_id);
SELECT hearth_protect('series');

CREATE TABLE visit (
    agency_id          text NOT NULL DEFAULT current_setting('hearth.agency'),
    visit_id           text NOT NULL,
    series_id          text NOT NULL,
    case_id            text NOT NULL,
    occurrence         integer NOT NULL,
    week_of            date NOT NULL,
    minutes            integer NOT NULL,
    place              text NOT NULL,
    workers_needed     integer NOT NULL,
    skills             jsonb NOT NULL,
    language           text NOT NULL,
    recipients         jsonb NOT NULL,
    status             text NOT NULL CHECK (status IN ('unplaced', 'scheduled', 'in_progress', 'completed', 'attempted', 'cancelled')),
    starts_at          timestamptz,
    ends_at            timestamptz,
    workers            jsonb NOT NULL DEFAULT '[]',
    travel_minutes     integer NOT NULL DEFAULT 0,
    reasons            jsonb NOT NULL DEFAULT '[]',
    lost               jsonb,
    moves              jsonb NOT NULL DEFAULT '[]',
    check_ins          jsonb NOT NULL DEFAULT '[]',
    checkout_missed_at timestamptz,
    closing            jsonb,
    replaces           text NOT NULL DEFAULT '',
    replaced_by        text NOT NULL DEFAULT '',
    version            bigint NOT NULL,
    PRIMARY KEY (agency_id, visit_id),
    UNIQUE (agency_id, series_id, occurrence),
    FOREIGN KEY (agency_id, series_id) REFERENCES series,
    CHECK ((starts_at IS NOT NULL) = (status IN ('scheduled', 'in_progress', 'completed', 'attempted'))),
    CHECK ((starts_at IS NULL) = (ends_at IS NULL)),
    CHECK (jsonb_array_length(workers) = CASE WHEN starts_at IS NULL THEN 0 ELSE workers_needed END)
);
CREATE INDEX visit_case ON visit (agency_id, case_id, starts_at);
CREATE INDEX visit_start ON visit (agency_id, starts_at, visit_id);
CREATE INDEX visit_unplaced ON visit (agency_id, week_of, visit_id) WHERE status = 'unplaced';
SELECT hearth_protect('visit');

-- A worker's time with a family. The last guard: nobody is in two places at once.
CREATE TABLE booking (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    visit_id  text NOT NULL,
    worker_id text NOT NULL,
    during    tstzrange NOT NULL,
    PRIMARY KEY (agency_id, visit_id, worker_id),
    FOREIGN KEY (agency_id, visit_id) REFERENCES visit,
    FOREIGN KEY (agency_id, worker_id) REFERENCES worker,
    CONSTRAINT booking_once EXCLUDE USING gist (agency_id WITH =, worker_id WITH =, during WITH &&)
);
CREATE INDEX booking_during ON booking USING gist (agency_id, during);
SELECT hearth_protect('booking');

-- A visit with a time has the bookings of all its workers, at that time, and one
-- without has none: looked at when the transaction commits.
-- +goose StatementBegin
CREATE FUNCTION visit_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of text := CASE WHEN TG_OP = 'DELETE' THEN OLD.visit_id ELSE NEW.visit_id END;
BEGIN
    IF EXISTS (
        SELECT FROM visit v
        WHERE v.agency_id = current_setting('hearth.agency') AND v.visit_id = of
          AND jsonb_array_length(v.workers) <> (
              SELECT count(*) FROM booking b
              WHERE b.agency_id = v.agency_id AND b.visit_id = v.visit_id
                AND b.during = tstzrange(v.starts_at, v.ends_at) AND v.workers ? b.worker_id)
           OR v.agency_id = current_setting('hearth.agency') AND v.visit_id = of
          AND v.starts_at IS NULL AND EXISTS (
              SELECT FROM booking b WHERE b.agency_id = v.agency_id AND b.visit_id = v.visit_id)
    ) THEN
        RAISE EXCEPTION 'visit % is not booked as a whole', of USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER visit_whole AFTER INSERT OR UPDATE OF workers, starts_at, ends_at ON visit
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION visit_is_whole();
CREATE CONSTRAINT TRIGGER booking_whole AFTER INSERT OR UPDATE OR DELETE ON booking
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION visit_is_whole();

-- A household's coarse travel point as intake last gave it; known = false when it
-- has none or keeps it to itself.
CREATE TABLE travel_point (
    agency_id    text NOT NULL DEFAULT current_setting('hearth.agency'),
    household_id text NOT NULL,
    known        boolean NOT NULL,
    lat          double precision,
    lon          double precision,
    source       text NOT NULL,
    fetched_at   timestamptz NOT NULL,
    PRIMARY KEY (agency_id, household_id),
    CHECK (known = (lat IS NOT NULL) AND known = (lon IS NOT NULL))
);
SELECT hearth_protect('travel_point');

-- Weeks that want planning. revision grows with each wish, so that a run removes
-- the row only when nobody wished again while it ran.
CREATE TABLE planning_work (
    agency_id     text NOT NULL DEFAULT current_setting('hearth.agency'),
    week_of       date NOT NULL,
    revision      bigint NOT NULL DEFAULT 1,
    claimed_by    text NOT NULL DEFAULT '',
    claimed_until timestamptz,
    failures      integer NOT NULL DEFAULT 0,
    PRIMARY KEY (agency_id, week_of)
);
SELECT hearth_protect('planning_work');
