-- +goose Up

-- What a worker and the agency agreed on beside the hours: {"skill_levels",
-- "attributes", "travel_mode", "breaks", "limits"}; {} is nothing.
ALTER TABLE worker ADD COLUMN terms jsonb NOT NULL DEFAULT '{}';
