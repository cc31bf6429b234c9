-- +goose Up

-- What a provider of road distances told, between places rounded to thousandths of
-- a degree: the middles of postal areas and bases, with no household beside them.
-- minutes is -1 where there is no way. Filled only while a provider is set.
CREATE TABLE road_time (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    source    text NOT NULL,
    mode      text NOT NULL,
    from_lat  integer NOT NULL,
    from_lon  integer NOT NULL,
    to_lat    integer NOT NULL,
    to_lon    integer NOT NULL,
    minutes   smallint NOT NULL CHECK (minutes >= -1),
    asked_at  timestamptz NOT NULL,
    revision  bigint NOT NULL,
    PRIMARY KEY (agency_id, source, mode, from_lat, from_lon, to_lat, to_lon)
);
CREATE INDEX road_time_revision ON road_time (agency_id, source, revision);
SELECT hearth_protect('road_time');

-- Where road_time stands: revision grows with what is added, epoch when something
-- is taken away. Whoever adds holds the row until the commit, so that revisions are
-- seen in their order.
CREATE TABLE road_state (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    epoch     bigint NOT NULL DEFAULT 0,
    revision  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (agency_id)
);
SELECT hearth_protect('road_state');
CREATE TRIGGER road_state_day_change AFTER INSERT OR UPDATE ON road_state
    FOR EACH STATEMENT EXECUTE FUNCTION every_day_changes();
