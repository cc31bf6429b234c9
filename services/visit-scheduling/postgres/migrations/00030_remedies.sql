-- +goose Up

-- What would give a visit without a place one, each proved when it was written:
-- [{"steps": [{"rule", …}], "place"}] (schedule.Remedy).
ALTER TABLE visit ADD COLUMN remedies jsonb NOT NULL DEFAULT '[]';
ALTER TABLE planning_change ADD COLUMN remedies jsonb NOT NULL DEFAULT '[]';
