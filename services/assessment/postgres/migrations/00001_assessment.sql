-- +goose Up

-- What assessment knows of a case. program is empty when the case's closing was
-- heard of before its opening: topics of different services have no order.
CREATE TABLE case_file (
    agency_id       text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id         text NOT NULL,
    program         text NOT NULL DEFAULT '',
    program_version text NOT NULL DEFAULT '',
    opened_at       timestamptz,
    closed_at       timestamptz,
    trace           text NOT NULL DEFAULT '',
    PRIMARY KEY (agency_id, case_id)
);
SELECT hearth_protect('case_file');

CREATE TABLE assessment (
    agency_id          text NOT NULL DEFAULT current_setting('hearth.agency'),
    assessment_id      text NOT NULL,
    case_id            text NOT NULL,
    instrument         text NOT NULL,
    instrument_version text NOT NULL,
    instrument_hash    text NOT NULL,
    occasion           text NOT NULL CHECK (occasion IN ('opening', 'review', 'change', 'closing')),
    status             text NOT NULL CHECK (status IN ('due', 'in_progress', 'completed', 'cancelled')),
    due_at             timestamptz NOT NULL,
    answers            jsonb NOT NULL,
    contributors       jsonb NOT NULL,
    completed_by       text,
    completed_at       timestamptz,
    result             jsonb,
    revision           bigint NOT NULL,
    trace              text NOT NULL,
    PRIMARY KEY (agency_id, assessment_id),
    FOREIGN KEY (agency_id, case_id) REFERENCES case_file (agency_id, case_id),
    CHECK ((status = 'completed') = (result IS NOT NULL AND completed_by IS NOT NULL AND completed_at IS NOT NULL))
);
SELECT hearth_protect('assessment');
-- What a program asks for at the opening is asked for once.
CREATE UNIQUE INDEX assessment_opening ON assessment (agency_id, case_id, instrument) WHERE occasion = 'opening';
-- One review by an instrument at a time.
CREATE UNIQUE INDEX assessment_review ON assessment (agency_id, case_id, instrument)
    WHERE occasion = 'review' AND status IN ('due', 'in_progress');
CREATE INDEX assessment_due ON assessment (agency_id, due_at, assessment_id);
CREATE INDEX assessment_case ON assessment (agency_id, case_id, due_at, assessment_id);

-- Every safety decision ever made, overrides as further rows. The newest holds.
CREATE TABLE safety_decision (
    agency_id     text NOT NULL DEFAULT current_setting('hearth.agency'),
    assessment_id text NOT NULL,
    revision      bigint NOT NULL,
    case_id       text NOT NULL,
    decision      text NOT NULL CHECK (decision IN ('safe', 'safe_with_plan', 'unsafe')),
    proposed      text NOT NULL CHECK (proposed IN ('safe', 'safe_with_plan', 'unsafe')),
    decided_by    text NOT NULL,
    decided_at    timestamptz NOT NULL,
    overridden    boolean NOT NULL,
    reason_code   text NOT NULL DEFAULT '',
    reason        text NOT NULL DEFAULT '',
    PRIMARY KEY (agency_id, assessment_id, revision),
    FOREIGN KEY (agency_id, assessment_id) REFERENCES assessment (agency_id, assessment_id),
    CHECK (overridden = (reason_code <> ''))
);
SELECT hearth_protect('safety_decision');
CREATE INDEX safety_decision_case ON safety_decision (agency_id, case_id, decided_at DESC);
