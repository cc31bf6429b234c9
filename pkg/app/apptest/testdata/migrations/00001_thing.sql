-- +goose Up
CREATE TABLE thing (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    thing_id  text NOT NULL,
    state     text NOT NULL,
    PRIMARY KEY (agency_id, thing_id)
);
SELECT hearth_protect('thing');
