-- +goose Up

CREATE TABLE case_file (
    agency_id       text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id         text NOT NULL,
    referral_id     text NOT NULL,
    household_id    text NOT NULL,
    program         text NOT NULL,
    program_version text NOT NULL,
    priority        text NOT NULL,
    persons         jsonb NOT NULL,
    languages       jsonb NOT NULL,
    safety_flags    jsonb NOT NULL,
    concern_codes   jsonb NOT NULL,
    opened_by       text NOT NULL,
    opened_at       timestamptz NOT NULL,
    status          text NOT NULL CHECK (status IN ('open', 'active', 'closed')),
    closing_reason  text,
    closing_summary text,
    closed_by       text,
    closed_at       timestamptz,
    version         bigint NOT NULL,
    trace           text NOT NULL,
    PRIMARY KEY (agency_id, case_id),
    CHECK ((status = 'closed') = (closing_reason IS NOT NULL AND closed_by IS NOT NULL AND closed_at IS NOT NULL))
);
SELECT hearth_protect('case_file');
CREATE INDEX case_file_opened ON case_file (agency_id, opened_at DESC, case_id DESC);

-- The referrals a case grew from. Events from before the case are keyed by them.
CREATE TABLE case_referral (
    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id     text NOT NULL,
    referral_id text NOT NULL,
    PRIMARY KEY (agency_id, case_id, referral_id)
);
SELECT hearth_protect('case_referral');

CREATE TABLE assignment (
    agency_id     text NOT NULL DEFAULT current_setting('hearth.agency'),
    assignment_id text NOT NULL,
    case_id       text NOT NULL,
    worker_id     text NOT NULL,
    supervisor_id text NOT NULL,
    role          text NOT NULL CHECK (role IN ('lead', 'co_worker')),
    assigned_by   text NOT NULL,
    assigned_at   timestamptz NOT NULL,
    ended_at      timestamptz,
    ended_by      text,
    reason_code   text,
    PRIMARY KEY (agency_id, assignment_id),
    FOREIGN KEY (agency_id, case_id) REFERENCES case_file (agency_id, case_id),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (reason_code IS NULL))
);
SELECT hearth_protect('assignment');
CREATE UNIQUE INDEX assignment_one_lead ON assignment (agency_id, case_id) WHERE ended_at IS NULL AND role = 'lead';
CREATE UNIQUE INDEX assignment_once ON assignment (agency_id, case_id, worker_id) WHERE ended_at IS NULL;
CREATE INDEX assignment_worker ON assignment (agency_id, worker_id) WHERE ended_at IS NULL;

-- How many cases of a program a worker has. The row is what two assignments at
-- once meet at: each takes its place by an update that the limit is part of.
CREATE TABLE caseload (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    worker_id text NOT NULL,
    program   text NOT NULL,
    cases     integer NOT NULL CHECK (cases >= 0),
    PRIMARY KEY (agency_id, worker_id, program)
);
SELECT hearth_protect('caseload');

CREATE TABLE exclusion (
    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id     text NOT NULL,
    worker_id   text NOT NULL,
    reason_code text NOT NULL,
    excluded_by text NOT NULL,
    excluded_at timestamptz NOT NULL,
    PRIMARY KEY (agency_id, case_id, worker_id),
    FOREIGN KEY (agency_id, case_id) REFERENCES case_file (agency_id, case_id)
);
SELECT hearth_protect('exclusion');

-- The newest safety decision of a case. It may come before the case does: topics
-- of different services have no order.
CREATE TABLE case_safety (
    agency_id     text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id       text NOT NULL,
    decision      text NOT NULL CHECK (decision IN ('safe', 'safe_with_plan', 'unsafe')),
    assessment_id text NOT NULL,
    demanded      boolean NOT NULL,
    PRIMARY KEY (agency_id, case_id)
);
SELECT hearth_protect('case_safety');

CREATE TABLE safety_plan (
    agency_id      text NOT NULL DEFAULT current_setting('hearth.agency'),
    safety_plan_id text NOT NULL,
    case_id        text NOT NULL,
    assessment_id  text NOT NULL DEFAULT '',
    actions        jsonb NOT NULL,
    review_on      date NOT NULL,
    started_by     text NOT NULL,
    started_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    ended_by       text,
    reason_code    text,
    version        bigint NOT NULL,
    PRIMARY KEY (agency_id, safety_plan_id),
    FOREIGN KEY (agency_id, case_id) REFERENCES case_file (agency_id, case_id),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (reason_code IS NULL))
);
SELECT hearth_protect('safety_plan');
CREATE UNIQUE INDEX safety_plan_in_force ON safety_plan (agency_id, case_id) WHERE ended_at IS NULL;

CREATE TABLE plan (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    plan_id   text NOT NULL,
    case_id   text NOT NULL,
    revision  bigint NOT NULL,
    PRIMARY KEY (agency_id, plan_id),
    UNIQUE (agency_id, case_id),
    FOREIGN KEY (agency_id, case_id) REFERENCES case_file (agency_id, case_id)
);
SELECT hearth_protect('plan');

CREATE TABLE plan_version (
    agency_id     text NOT NULL DEFAULT current_setting('hearth.agency'),
    plan_id       text NOT NULL,
    version       integer NOT NULL CHECK (version > 0),
    status        text NOT NULL CHECK (status IN ('draft', 'submitted', 'returned', 'approved', 'superseded')),
    author        text NOT NULL,
    editors       jsonb NOT NULL,
    supervisor_id text NOT NULL DEFAULT '',
    content       jsonb NOT NULL,
    created_at    timestamptz NOT NULL,
    submitted_by  text NOT NULL DEFAULT '',
    submitted_at  timestamptz,
    approved_by   text NOT NULL DEFAULT '',
    approved_at   timestamptz,
    returned      jsonb,
    PRIMARY KEY (agency_id, plan_id, version),
    FOREIGN KEY (agency_id, plan_id) REFERENCES plan (agency_id, plan_id),
    CHECK ((status IN ('approved', 'superseded')) = (approved_by <> '' AND approved_at IS NOT NULL)),
    CHECK (approved_by = '' OR approved_by <> author)
);
SELECT hearth_protect('plan_version');
CREATE UNIQUE INDEX plan_version_in_effect ON plan_version (agency_id, plan_id) WHERE status = 'approved';

CREATE TABLE review (
    agency_id    text NOT NULL DEFAULT current_setting('hearth.agency'),
    review_id    text NOT NULL,
    plan_id      text NOT NULL,
    plan_version integer NOT NULL,
    case_id      text NOT NULL,
    held_on      date NOT NULL,
    ratings      jsonb NOT NULL,
    t_score      numeric(6, 2) NOT NULL,
    goals        integer NOT NULL,
    reviewed_by  text NOT NULL,
    reviewed_at  timestamptz NOT NULL,
    PRIMARY KEY (agency_id, review_id),
    FOREIGN KEY (agency_id, plan_id, plan_version) REFERENCES plan_version (agency_id, plan_id, version)
);
SELECT hearth_protect('review');
CREATE INDEX review_plan ON review (agency_id, plan_id, reviewed_at DESC, review_id DESC);

-- What assessments said of each domain: the newest of each instrument.
CREATE TABLE need (
    agency_id          text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id            text NOT NULL,
    instrument         text NOT NULL,
    domain             text NOT NULL,
    level              text NOT NULL CHECK (level IN ('none', 'some', 'high')),
    strength           boolean NOT NULL,
    assessment_id      text NOT NULL,
    instrument_version text NOT NULL,
    assessed_at        timestamptz NOT NULL,
    PRIMARY KEY (agency_id, case_id, instrument, domain)
);
SELECT hearth_protect('need');

-- One row an event about a family. family_key is the case id, or the referral id
-- of an event from before the case.
CREATE TABLE timeline_entry (
    agency_id  text NOT NULL DEFAULT current_setting('hearth.agency'),
    event_id   text NOT NULL,
    family_key text NOT NULL,
    at         timestamptz NOT NULL,
    service    text NOT NULL,
    type       text NOT NULL,
    subject    text NOT NULL,
    data       jsonb NOT NULL,
    PRIMARY KEY (agency_id, event_id)
);
SELECT hearth_protect('timeline_entry');
CREATE INDEX timeline_entry_family ON timeline_entry (agency_id, family_key, at, event_id);
