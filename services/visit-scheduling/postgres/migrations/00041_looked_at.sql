-- +goose Up

-- When it was last looked for what would give a visit without a place one; NULL is
-- not yet. Those come first, then the one looked at longest ago.
ALTER TABLE visit ADD COLUMN looked_at timestamptz;
