-- +goose Up

-- Inbound events, each kept once by its identity. The reporter's part of one is in
-- table reporter. referral_id is null while it waits for the event it refers to.
CREATE TABLE inbound_event (
    agency_id      text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    source         text COLLATE "C" NOT NULL,
    event_id       text COLLATE "C" NOT NULL,
    receipt_id     text COLLATE "C" NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('submission', 'correction', 'withdrawal')),
    event_time     timestamptz,
    target_source  text COLLATE "C",
    target_id      text COLLATE "C",
    referral_id    text COLLATE "C",
    status         text NOT NULL CHECK (status IN ('applied', 'waiting', 'refused', 'withdrawn')),
    problems       text,
    content_hash   bytea NOT NULL,
    document       text NOT NULL,
    wants_feedback boolean,
    via            text NOT NULL CHECK (via IN ('http', 'import', 'kafka')),
    trace          text NOT NULL DEFAULT '',
    arrived_at     timestamptz NOT NULL,
    PRIMARY KEY (agency_id, source, event_id),
    UNIQUE (agency_id, receipt_id),
    CHECK ((status = 'waiting') = (referral_id IS NULL))
);
CREATE INDEX inbound_event_waiting ON inbound_event (agency_id, target_source, target_id) WHERE referral_id IS NULL;
CREATE INDEX inbound_event_amendment ON inbound_event (agency_id, referral_id) WHERE kind <> 'submission';
SELECT hearth_protect('inbound_event');

-- Who told, apart from all else.
CREATE TABLE reporter (
    agency_id  text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    receipt_id text COLLATE "C" NOT NULL,
    details    text NOT NULL,
    PRIMARY KEY (agency_id, receipt_id),
    FOREIGN KEY (agency_id, receipt_id) REFERENCES inbound_event (agency_id, receipt_id)
);
SELECT hearth_protect('reporter');

-- document is null while the referral says what its submission says.
CREATE TABLE referral (
    agency_id         text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    referral_id       text COLLATE "C" NOT NULL,
    version           bigint NOT NULL,
    status            text NOT NULL CHECK (status IN ('received', 'withdrawn', 'screened_in', 'screened_out', 'redirected')),
    receipt_id        text COLLATE "C" NOT NULL,
    source            text COLLATE "C" NOT NULL,
    event_id          text COLLATE "C" NOT NULL,
    received_at       timestamptz NOT NULL,
    arrived_at        timestamptz NOT NULL,
    channel           text NOT NULL,
    kind              text NOT NULL,
    urgency           text NOT NULL,
    requested_program text,
    concern_codes     text[] NOT NULL,
    safety_flags      text[] NOT NULL,
    wants_feedback    boolean NOT NULL,
    household_id      text COLLATE "C" NOT NULL,
    document          text,
    priority          text NOT NULL,
    urgent            boolean NOT NULL,
    due_at            timestamptz NOT NULL,
    priority_decision text NOT NULL,
    priority_asked    text,
    taken_by          text,
    taken_at          timestamptz,
    withdrawn_at      timestamptz,
    screening         text,
    case_id           text COLLATE "C",
    trace             text NOT NULL,
    PRIMARY KEY (agency_id, referral_id)
);
-- Not the agency first: a planner without statistics would take it for as good
-- as the primary key, and each reference check would go through the agency's rows.
CREATE INDEX referral_household ON referral (household_id, agency_id, referral_id);
CREATE INDEX referral_case ON referral (agency_id, case_id) WHERE case_id IS NOT NULL;
SELECT hearth_protect('referral');

-- What happened to a referral after it was received.
CREATE TABLE referral_history (
    agency_id   text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    referral_id text COLLATE "C" NOT NULL,
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL,
    what        text NOT NULL,
    by          text NOT NULL,
    receipt_id  text COLLATE "C",
    codes       text NOT NULL,
    PRIMARY KEY (agency_id, referral_id, seq),
    FOREIGN KEY (agency_id, referral_id) REFERENCES referral (agency_id, referral_id)
);
SELECT hearth_protect('referral_history');

-- Persons, by all the referrals they were in.
CREATE TABLE person (
    agency_id     text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    person_id     text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    origin        text COLLATE "C" NOT NULL,
    name          text NOT NULL,
    birth_date    text NOT NULL,
    sex           text NOT NULL,
    languages     text[] NOT NULL,
    contacts      text NOT NULL,
    addresses     text NOT NULL,
    identifiers   text NOT NULL,
    contact_rules text,
    PRIMARY KEY (agency_id, person_id)
);
SELECT hearth_protect('person');

-- Hashes of the keys a person is found under. A key no longer theirs stays: it
-- finds a candidate that the matcher then rejects.
CREATE TABLE person_key (
    agency_id text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    key       bigint NOT NULL,
    person_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (agency_id, key, person_id),
    FOREIGN KEY (agency_id, person_id) REFERENCES person (agency_id, person_id)
);
SELECT hearth_protect('person_key');

CREATE TABLE referral_person (
    agency_id   text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    referral_id text COLLATE "C" NOT NULL,
    ref         text COLLATE "C" NOT NULL,
    person_id   text COLLATE "C" NOT NULL,
    role        text NOT NULL,
    basis       text NOT NULL,
    PRIMARY KEY (agency_id, referral_id, ref),
    FOREIGN KEY (agency_id, referral_id) REFERENCES referral (agency_id, referral_id),
    FOREIGN KEY (agency_id, person_id) REFERENCES person (agency_id, person_id)
);
CREATE INDEX referral_person_person ON referral_person (agency_id, person_id);
SELECT hearth_protect('referral_person');

CREATE TABLE household_member (
    agency_id    text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    household_id text COLLATE "C" NOT NULL,
    person_id    text COLLATE "C" NOT NULL,
    PRIMARY KEY (agency_id, household_id, person_id),
    FOREIGN KEY (agency_id, person_id) REFERENCES person (agency_id, person_id)
);
CREATE INDEX household_member_person ON household_member (agency_id, person_id);
SELECT hearth_protect('household_member');

-- Time limits that run on referrals.
CREATE TABLE response_clock (
    agency_id    text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    clock_id     text COLLATE "C" NOT NULL,
    referral_id  text COLLATE "C" NOT NULL,
    clock        text NOT NULL,
    met_by       text NOT NULL,
    state        text NOT NULL CHECK (state IN ('running', 'met', 'expired', 'stopped')),
    started_at   timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    met_at       timestamptz,
    expired_at   timestamptz,
    rule_version text NOT NULL,
    PRIMARY KEY (agency_id, clock_id),
    FOREIGN KEY (agency_id, referral_id) REFERENCES referral (agency_id, referral_id)
);
CREATE INDEX response_clock_referral ON response_clock (agency_id, referral_id);
CREATE INDEX response_clock_due ON response_clock (agency_id, state, due_at, clock_id);
SELECT hearth_protect('response_clock');

-- Events kept aside: in conflict with the one kept, or refused from the inbound
-- topic. origin names the arrival, so that one is kept once.
CREATE TABLE quarantined_event (
    agency_id     text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    quarantine_id text COLLATE "C" NOT NULL,
    reason        text NOT NULL CHECK (reason IN ('conflict', 'refused')),
    origin        text COLLATE "C" NOT NULL,
    via           text NOT NULL CHECK (via IN ('http', 'import', 'kafka')),
    source        text NOT NULL DEFAULT '',
    event_id      text NOT NULL DEFAULT '',
    receipt_id    text COLLATE "C",
    problems      text NOT NULL,
    body          bytea NOT NULL,
    arrived_at    timestamptz NOT NULL,
    PRIMARY KEY (agency_id, quarantine_id),
    UNIQUE (agency_id, origin)
);
SELECT hearth_protect('quarantined_event');

-- Who may see a protected record, by name: a person's confidential addresses, a
-- referral's reporter.
CREATE TABLE protected_grant (
    agency_id   text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('address', 'reporter')),
    record_id   text COLLATE "C" NOT NULL,
    worker_id   text COLLATE "C" NOT NULL,
    reason_code text NOT NULL,
    until       timestamptz NOT NULL,
    granted_by  text NOT NULL,
    granted_at  timestamptz NOT NULL,
    PRIMARY KEY (agency_id, kind, record_id, worker_id)
);
SELECT hearth_protect('protected_grant');

-- Assessments due and done of the cases intake opened, for the clocks that wait for them.
CREATE TABLE case_assessment (
    agency_id     text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id       text COLLATE "C" NOT NULL,
    assessment_id text COLLATE "C" NOT NULL,
    completed     boolean NOT NULL,
    PRIMARY KEY (agency_id, case_id, assessment_id)
);
SELECT hearth_protect('case_assessment');
