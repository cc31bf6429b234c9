-- +goose Up

-- Who were a family's own workers, and when: a visit by none of them was made by a
-- substitute. until NULL is still. A case without rows is older than this table;
-- its workers then are taken over from its series when they change.
CREATE TABLE family_worker (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id   text NOT NULL,
    worker_id text NOT NULL,
    since     timestamptz NOT NULL,
    until     timestamptz,
    PRIMARY KEY (agency_id, case_id, worker_id, since),
    FOREIGN KEY (agency_id, case_id) REFERENCES family_case
);
SELECT hearth_protect('family_worker');
