-- +goose Up

-- What recorded ways say of the estimate of travel: numbers alone, no place. One
-- row an agency, written anew each night. modes is a list of {"mode", "ways",
-- "used", "percent", "seen", "residual", "before", "traffic"}.
CREATE TABLE travel_fit (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    fitted_at timestamptz NOT NULL,
    since     timestamptz NOT NULL,
    modes     jsonb NOT NULL,
    PRIMARY KEY (agency_id),
    CHECK (since < fitted_at)
);
SELECT hearth_protect('travel_fit');

-- Days that are kept laid out in memory are planned by it.
CREATE TRIGGER travel_fit_day_change AFTER INSERT OR UPDATE OF modes ON travel_fit
    FOR EACH STATEMENT EXECUTE FUNCTION every_day_changes();

-- Who said how long the way to a visit is: 'estimate', or a provider of road distances.
ALTER TABLE visit ADD COLUMN travel_source text NOT NULL DEFAULT 'estimate';
