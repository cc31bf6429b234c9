-- +goose Up

-- Whether the child was seen alone: {"seen", "reason_code"}; NULL while nobody said.
ALTER TABLE visit ADD COLUMN child_seen jsonb;
