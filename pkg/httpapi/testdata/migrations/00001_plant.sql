-- +goose Up
CREATE TABLE plant (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    plant_id  text NOT NULL,
    PRIMARY KEY (agency_id, plant_id)
);
SELECT hearth_protect('plant');
