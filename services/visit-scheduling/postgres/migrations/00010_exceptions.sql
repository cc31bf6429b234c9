-- +goose Up

-- When a family is not to be visited, whatever its plan says: the hours the child is
-- at school, days it is away. terms: {"kind", "from_on", "to_on", "weekdays",
-- "hours": {"from", "to"}}, days and hours of the agency's clock.
CREATE TABLE family_exception (
    agency_id    text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id      text NOT NULL,
    exception_id text NOT NULL,
    terms        jsonb NOT NULL,
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL,
    PRIMARY KEY (agency_id, case_id, exception_id),
    FOREIGN KEY (agency_id, case_id) REFERENCES family_case
);
SELECT hearth_protect('family_exception');

-- The days kept in memory know when their visits may take place.
CREATE TRIGGER family_exception_day_change AFTER INSERT OR UPDATE OR DELETE ON family_exception
    FOR EACH STATEMENT EXECUTE FUNCTION every_day_changes();
