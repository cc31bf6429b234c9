-- +goose Up

-- The program of the case's newest plan: its visits are measured by its rules.
ALTER TABLE family_case ADD COLUMN program text NOT NULL DEFAULT '';
