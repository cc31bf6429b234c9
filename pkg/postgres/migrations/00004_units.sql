-- +goose Up

-- Which organisational unit has which case: a path such as north/team-2. A case
-- that no unit has yet is every unit's.
CREATE TABLE case_unit (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id   text NOT NULL,
    unit      text NOT NULL CHECK (unit ~ '^[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*$' AND length(unit) <= 100),
    PRIMARY KEY (agency_id, case_id)
);
SELECT hearth_protect('case_unit');
