-- +goose Up

-- How a worker is reached at work. Families' and reporters' addresses are never stored.
CREATE TABLE worker_contact (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    worker_id text NOT NULL,
    email     text NOT NULL DEFAULT '',
    phone     text NOT NULL DEFAULT '',
    language  text NOT NULL,
    prefers   text NOT NULL DEFAULT '',
    version   bigint NOT NULL,
    PRIMARY KEY (agency_id, worker_id),
    CHECK (email <> '' OR phone <> '')
);
SELECT hearth_protect('worker_contact');

-- Cases and referrals, learnt from events: whose they are, and their trace.
CREATE TABLE case_file (
    agency_id     text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id       text NOT NULL,
    trace         text NOT NULL DEFAULT '',
    supervisor_id text NOT NULL DEFAULT '',
    closed        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (agency_id, case_id)
);
SELECT hearth_protect('case_file');

CREATE TABLE referral_file (
    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
    referral_id text NOT NULL,
    trace       text NOT NULL DEFAULT '',
    PRIMARY KEY (agency_id, referral_id)
);
SELECT hearth_protect('referral_file');

-- One row a message, unique before anything is sent. variables holds ids, codes and times.
CREATE TABLE message (
    agency_id        text NOT NULL DEFAULT current_setting('hearth.agency'),
    message_id       text NOT NULL,
    dedupe_key       text NOT NULL,
    template         text NOT NULL,
    template_version text NOT NULL,
    audience         text NOT NULL CHECK (audience IN ('duty_team', 'worker', 'supervisor', 'family', 'reporter')),
    recipient        text NOT NULL,
    about_event      text NOT NULL,
    case_id          text NOT NULL DEFAULT '',
    referral_id      text NOT NULL DEFAULT '',
    visit_id         text NOT NULL DEFAULT '',
    variables        jsonb NOT NULL,
    state            text NOT NULL CHECK (state IN ('pending', 'sent', 'failed', 'withheld', 'cancelled')),
    reason_code      text NOT NULL DEFAULT '',
    channel          text NOT NULL DEFAULT '',
    language         text NOT NULL DEFAULT '',
    claims           bigint NOT NULL DEFAULT 0,
    attempts         integer NOT NULL DEFAULT 0,
    asks             integer NOT NULL DEFAULT 0,
    due_at           timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    created_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    trace            text NOT NULL DEFAULT '',
    correlation      text NOT NULL DEFAULT '',
    version          bigint NOT NULL,
    PRIMARY KEY (agency_id, message_id),
    UNIQUE (agency_id, dedupe_key),
    CHECK ((state = 'pending') = (ended_at IS NULL))
);
CREATE INDEX message_visit ON message (agency_id, visit_id) WHERE state = 'pending' AND visit_id <> '';
CREATE INDEX message_case ON message (agency_id, case_id, message_id);
SELECT hearth_protect('message');

CREATE TABLE task (
    agency_id    text NOT NULL DEFAULT current_setting('hearth.agency'),
    task_id      text NOT NULL,
    message_id   text NOT NULL,
    template     text NOT NULL,
    audience     text NOT NULL,
    reason_code  text NOT NULL,
    case_id      text NOT NULL DEFAULT '',
    referral_id  text NOT NULL DEFAULT '',
    done         boolean NOT NULL DEFAULT false,
    outcome_code text NOT NULL DEFAULT '',
    completed_by text NOT NULL DEFAULT '',
    completed_at timestamptz,
    created_at   timestamptz NOT NULL,
    version      bigint NOT NULL,
    PRIMARY KEY (agency_id, task_id),
    UNIQUE (agency_id, message_id),
    FOREIGN KEY (agency_id, message_id) REFERENCES message (agency_id, message_id)
);
CREATE INDEX task_open ON task (agency_id, task_id) WHERE NOT done;
SELECT hearth_protect('task');
