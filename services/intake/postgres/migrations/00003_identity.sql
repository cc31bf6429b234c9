-- +goose Up

-- Which records people decided are of one person: an edge between two records, never
-- a change of either. Those that hold are a forest, so that undoing any one of them
-- parts one identity in two. Rows are kept for ever.
CREATE TABLE person_merge (
    agency_id     text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    merge_id      text COLLATE "C" NOT NULL,
    record_a      text COLLATE "C" NOT NULL,
    record_b      text COLLATE "C" NOT NULL,
    pair_id       text COLLATE "C",
    reason_code   text NOT NULL,
    despite       text[] NOT NULL,
    note          text NOT NULL,
    merged_by     text NOT NULL,
    merged_at     timestamptz NOT NULL,
    undone_by     text,
    undone_at     timestamptz,
    undone_reason text,
    undone_note   text,
    PRIMARY KEY (agency_id, merge_id),
    FOREIGN KEY (agency_id, record_a) REFERENCES person (agency_id, person_id),
    FOREIGN KEY (agency_id, record_b) REFERENCES person (agency_id, person_id),
    CHECK (record_a < record_b),
    CHECK ((undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undone_reason IS NULL))
);
CREATE UNIQUE INDEX person_merge_holds ON person_merge (agency_id, record_a, record_b) WHERE undone_at IS NULL;
CREATE INDEX person_merge_a ON person_merge (agency_id, record_a);
CREATE INDEX person_merge_b ON person_merge (agency_id, record_b);
SELECT hearth_protect('person_merge');

-- What follows from the merges that hold: the identity each record is of, named by
-- its oldest record. A record never merged has no row. base is what makes the
-- identity's version (base + the versions of its records) go up with every merge and
-- unmerge; it counts in the row of the record that names the identity.
CREATE TABLE person_identity (
    agency_id   text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    record_id   text COLLATE "C" NOT NULL,
    identity_id text COLLATE "C" NOT NULL,
    base        bigint NOT NULL,
    PRIMARY KEY (agency_id, record_id),
    FOREIGN KEY (agency_id, record_id) REFERENCES person (agency_id, person_id),
    FOREIGN KEY (agency_id, identity_id) REFERENCES person (agency_id, person_id),
    CHECK (identity_id <= record_id)
);
CREATE INDEX person_identity_members ON person_identity (agency_id, identity_id);
SELECT hearth_protect('person_identity');

-- Contact rules settled with a person of several records: for which of them. Those
-- settled with a person of one record are in table person.
CREATE TABLE contact_settlement (
    agency_id     text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    settlement_id text COLLATE "C" NOT NULL,
    rules         text NOT NULL,
    PRIMARY KEY (agency_id, settlement_id)
);
SELECT hearth_protect('contact_settlement');

CREATE TABLE contact_settlement_record (
    agency_id     text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    record_id     text COLLATE "C" NOT NULL,
    settlement_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (agency_id, record_id, settlement_id),
    FOREIGN KEY (agency_id, record_id) REFERENCES person (agency_id, person_id),
    FOREIGN KEY (agency_id, settlement_id) REFERENCES contact_settlement (agency_id, settlement_id)
);
CREATE INDEX contact_settlement_record_of ON contact_settlement_record (agency_id, settlement_id);
SELECT hearth_protect('contact_settlement_record');

-- Every decision about a pair, the first and those after.
CREATE TABLE pair_decision (
    agency_id   text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    decision_id text COLLATE "C" NOT NULL,
    pair_id     text COLLATE "C" NOT NULL,
    decision    text NOT NULL CHECK (decision IN ('same', 'different', 'cannot_tell')),
    reason_code text NOT NULL,
    note        text NOT NULL,
    merge_id    text COLLATE "C",
    decided_by  text NOT NULL,
    decided_at  timestamptz NOT NULL,
    PRIMARY KEY (agency_id, decision_id),
    FOREIGN KEY (agency_id, pair_id) REFERENCES match_candidate (agency_id, pair_id)
);
CREATE INDEX pair_decision_pair ON pair_decision (agency_id, pair_id, decision_id);
SELECT hearth_protect('pair_decision');

-- Links made without asking, of which a small random share is judged afterwards by
-- somebody who is not told that they were made: else nobody knows how many are false.
CREATE TABLE link_sample (
    agency_id   text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    sample_id   text COLLATE "C" NOT NULL,
    referral_id text COLLATE "C" NOT NULL,
    ref         text COLLATE "C" NOT NULL,
    person_id   text COLLATE "C" NOT NULL,
    model       text COLLATE "C" NOT NULL,
    log_odds    real NOT NULL,
    evidence    text NOT NULL,
    share       double precision NOT NULL CHECK (share > 0 AND share <= 1),
    sampled_at  timestamptz NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'same', 'different', 'cannot_tell')),
    reason_code text,
    note        text,
    decided_by  text,
    decided_at  timestamptz,
    PRIMARY KEY (agency_id, sample_id),
    UNIQUE (agency_id, referral_id, ref),
    FOREIGN KEY (agency_id, referral_id) REFERENCES referral (agency_id, referral_id),
    FOREIGN KEY (agency_id, person_id) REFERENCES person (agency_id, person_id),
    CHECK ((state = 'open') = (decided_at IS NULL) AND (state = 'open') = (decided_by IS NULL))
);
CREATE INDEX link_sample_queue ON link_sample (agency_id, state, sampled_at, sample_id);
SELECT hearth_protect('link_sample');

-- Who may not know of a referral that has no case to exclude them from yet.
CREATE TABLE referral_exclusion (
    agency_id   text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    referral_id text COLLATE "C" NOT NULL,
    worker_id   text COLLATE "C" NOT NULL,
    reason_code text NOT NULL,
    excluded_by text NOT NULL,
    excluded_at timestamptz NOT NULL,
    PRIMARY KEY (agency_id, referral_id, worker_id),
    FOREIGN KEY (agency_id, referral_id) REFERENCES referral (agency_id, referral_id)
);
CREATE INDEX referral_exclusion_worker ON referral_exclusion (agency_id, worker_id);
SELECT hearth_protect('referral_exclusion');
