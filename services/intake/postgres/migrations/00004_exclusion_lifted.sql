-- +goose Up

-- Exclusions from referrals that no longer hold: who was excluded by whom, and who
-- took it back when.
CREATE TABLE referral_exclusion_lifted (
    agency_id   text COLLATE "C" NOT NULL DEFAULT current_setting('hearth.agency'),
    referral_id text COLLATE "C" NOT NULL,
    worker_id   text COLLATE "C" NOT NULL,
    reason_code text NOT NULL,
    excluded_by text NOT NULL,
    excluded_at timestamptz NOT NULL,
    lifted_by   text NOT NULL,
    lifted_at   timestamptz NOT NULL,
    lift_no     bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (agency_id, lift_no),
    FOREIGN KEY (agency_id, referral_id) REFERENCES referral (agency_id, referral_id)
);
CREATE INDEX referral_exclusion_lifted_referral ON referral_exclusion_lifted (agency_id, referral_id);
SELECT hearth_protect('referral_exclusion_lifted');
