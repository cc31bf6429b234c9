-- +goose Up

-- What else a person is or was known by: a list of names, null for none. seal keeps
-- somebody's identity apart from all others (an adoption, a protected identity).
ALTER TABLE person
    ADD COLUMN aliases        text,
    ADD COLUMN seal           text COLLATE "C" CHECK (seal IN ('adoption', 'protected_identity')),
    ADD COLUMN unborn         boolean NOT NULL DEFAULT false,
    ADD COLUMN multiple_birth boolean NOT NULL DEFAULT false;

-- Why a person reported was linked: the model that scored them, its log2 odds, and
-- what agreed and what did not, as codes. Null where nobody was linked by a score.
ALTER TABLE referral_person
    ADD COLUMN model    text COLLATE "C",
    ADD COLUMN log_odds real,
    ADD COLUMN evidence text;

-- What persons are found by: hashes of parts of what is known of them. It follows
-- from table person and can be built again from it, so it refers to nothing; a key
-- no longer theirs stays, and finds a candidate whom the comparison rejects. Keys
-- of two generations stand side by side while the index is built anew.
-- Narrow columns: there are some ten rows a person.
CREATE TABLE person_index (
    agency_id  text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    generation smallint NOT NULL,
    key        bigint NOT NULL,
    person     uuid NOT NULL,
    PRIMARY KEY (agency_id, generation, key, person)
);
SELECT hearth_protect('person_index');

-- Persons whose facts changed outside of a new report (a correction, a seal), and
-- those made known where not all was looked at: to be compared anew.
CREATE TABLE match_recheck (
    agency_id text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    person_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (agency_id, person_id)
);
SELECT hearth_protect('match_recheck');

-- Models learnt from the agency's own persons. Without a row the agency matches by
-- the model that is built in.
CREATE TABLE match_model (
    agency_id text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    model_id  text COLLATE "C" NOT NULL,
    artefact  bytea NOT NULL,
    records   integer NOT NULL,
    made_by   text COLLATE "C" NOT NULL,
    made_at   timestamptz NOT NULL,
    PRIMARY KEY (agency_id, model_id)
);
SELECT hearth_protect('match_model');

-- Which model an agency matches by, and the generation of keys it is found in; and
-- the other one beside it, if any: being built, ready to be activated, or the one
-- before, to go back to. A model_id of '' is the built-in model.
CREATE TABLE match_index (
    agency_id        text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    version          bigint NOT NULL,
    model_id         text COLLATE "C" NOT NULL,
    generation       smallint NOT NULL,
    other_model_id   text COLLATE "C",
    other_generation smallint,
    other_state      text CHECK (other_state IN ('building', 'ready', 'previous')),
    built_to         text COLLATE "C" NOT NULL DEFAULT '',
    swept_to         text COLLATE "C" NOT NULL DEFAULT '',
    changed_by       text COLLATE "C" NOT NULL,
    changed_at       timestamptz NOT NULL,
    PRIMARY KEY (agency_id),
    CHECK ((other_model_id IS NULL) = (other_state IS NULL) AND (other_model_id IS NULL) = (other_generation IS NULL))
);
SELECT hearth_protect('match_index');

-- Work on the index that somebody asked for, done in the background.
CREATE TABLE match_job (
    agency_id   text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    job_id      text COLLATE "C" NOT NULL,
    state       text NOT NULL CHECK (state IN ('queued', 'building', 'comparing', 'done', 'failed')),
    model_id    text COLLATE "C",
    costs       text,
    asked_by    text COLLATE "C" NOT NULL,
    asked_at    timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    report      text,
    reason_code text,
    PRIMARY KEY (agency_id, job_id)
);
CREATE UNIQUE INDEX match_job_running ON match_job (agency_id) WHERE state IN ('queued', 'building', 'comparing');
SELECT hearth_protect('match_job');

-- Pairs of persons that may be one, for a person to decide. facts_hash is a hash of
-- what was compared on both sides: a pair is asked about once for the same facts.
CREATE TABLE match_candidate (
    agency_id       text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    pair_id         text COLLATE "C" NOT NULL,
    person_a        text COLLATE "C" NOT NULL,
    person_b        text COLLATE "C" NOT NULL,
    model           text COLLATE "C" NOT NULL,
    log_odds        real NOT NULL,
    probability     double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    zone            text NOT NULL CHECK (zone IN ('link', 'ask', 'new')),
    reasons         text[] NOT NULL,
    evidence        text NOT NULL,
    facts_hash      bytea NOT NULL,
    origin_referral text COLLATE "C",
    created_at      timestamptz NOT NULL,
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'linked', 'apart', 'undecided', 'superseded')),
    decided_by      text COLLATE "C",
    decided_at      timestamptz,
    reason_code     text,
    PRIMARY KEY (agency_id, pair_id),
    UNIQUE (agency_id, person_a, person_b, facts_hash),
    FOREIGN KEY (agency_id, person_a) REFERENCES person (agency_id, person_id),
    FOREIGN KEY (agency_id, person_b) REFERENCES person (agency_id, person_id),
    CHECK (person_a < person_b),
    CHECK ((state IN ('open', 'superseded')) OR (decided_by IS NOT NULL AND decided_at IS NOT NULL))
);
CREATE UNIQUE INDEX match_candidate_open ON match_candidate (agency_id, person_a, person_b) WHERE state = 'open';
CREATE INDEX match_candidate_other ON match_candidate (agency_id, person_b);
CREATE INDEX match_candidate_queue ON match_candidate (agency_id, state, created_at, pair_id);
SELECT hearth_protect('match_candidate');
