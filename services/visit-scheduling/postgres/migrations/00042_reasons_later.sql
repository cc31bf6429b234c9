-- +goose Up

-- A week whose visits have their places, and where it is still to be found out why
-- others have none: it is claimed after those that wait for places.
ALTER TABLE planning_work ADD COLUMN placed boolean NOT NULL DEFAULT false;
