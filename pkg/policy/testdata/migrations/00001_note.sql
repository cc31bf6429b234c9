-- +goose Up
CREATE TABLE note (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    note_id   text NOT NULL,
    case_id   text,
    workers   text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (agency_id, note_id)
);
SELECT hearth_protect('note');
