-- +goose Up

-- Trusted since PostgreSQL 13: the owner of the database may install it.
CREATE EXTENSION IF NOT EXISTS unaccent;

-- Directory data belongs to an agency. document is the HSDS record as it came;
-- the other columns are what it is looked up by.
CREATE TABLE organization (
    agency_id       text NOT NULL DEFAULT current_setting('hearth.agency'),
    organization_id text NOT NULL,
    name            text NOT NULL,
    document        jsonb NOT NULL,
    content_hash    text NOT NULL,
    plain           text NOT NULL, -- lower case without accents, for search
    nested_only     boolean NOT NULL, -- known from inside other records alone
    version         bigint NOT NULL,
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (agency_id, organization_id)
);
SELECT hearth_protect('organization');

CREATE TABLE service (
    agency_id       text NOT NULL DEFAULT current_setting('hearth.agency'),
    service_id      text NOT NULL,
    organization_id text NOT NULL DEFAULT '',
    name            text NOT NULL,
    status          text NOT NULL,
    document        jsonb NOT NULL,
    content_hash    text NOT NULL,
    minimum_age     double precision,
    maximum_age     double precision,
    languages       text[] NOT NULL,
    term_ids        text[] NOT NULL,
    taxonomy_ids    text[] NOT NULL,
    latitudes       double precision[] NOT NULL, -- where it is given; side by side with longitudes
    longitudes      double precision[] NOT NULL,
    words           tsvector NOT NULL, -- word forms by the rules of English, Finnish and Swedish, and plain words without accents
    plain           text NOT NULL,     -- lower case without accents, for parts of compound words
    plain_name      text NOT NULL,
    modified_at     timestamptz NOT NULL, -- last_modified, or when it was loaded with a change
    version         bigint NOT NULL,
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (agency_id, service_id)
);
CREATE INDEX service_organization ON service (agency_id, organization_id);
SELECT hearth_protect('service');

CREATE TABLE service_at_location (
    agency_id              text NOT NULL DEFAULT current_setting('hearth.agency'),
    service_at_location_id text NOT NULL,
    service_id             text NOT NULL,
    location_id            text NOT NULL DEFAULT '',
    name                   text NOT NULL DEFAULT '',
    city                   text NOT NULL DEFAULT '',
    postal_code            text NOT NULL DEFAULT '',
    latitude               double precision,
    longitude              double precision,
    document               jsonb NOT NULL,
    PRIMARY KEY (agency_id, service_at_location_id),
    FOREIGN KEY (agency_id, service_id) REFERENCES service (agency_id, service_id) ON DELETE CASCADE
);
CREATE INDEX service_at_location_service ON service_at_location (agency_id, service_id);
SELECT hearth_protect('service_at_location');

CREATE TABLE taxonomy (
    agency_id    text NOT NULL DEFAULT current_setting('hearth.agency'),
    taxonomy_id  text NOT NULL,
    name         text NOT NULL,
    document     jsonb NOT NULL,
    content_hash text NOT NULL,
    plain        text NOT NULL,
    nested_only  boolean NOT NULL,
    version      bigint NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (agency_id, taxonomy_id)
);
SELECT hearth_protect('taxonomy');

CREATE TABLE taxonomy_term (
    agency_id    text NOT NULL DEFAULT current_setting('hearth.agency'),
    term_id      text NOT NULL,
    taxonomy_id  text NOT NULL DEFAULT '',
    parent_id    text NOT NULL DEFAULT '',
    name         text NOT NULL,
    document     jsonb NOT NULL,
    content_hash text NOT NULL,
    plain        text NOT NULL,
    nested_only  boolean NOT NULL,
    version      bigint NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (agency_id, term_id)
);
SELECT hearth_protect('taxonomy_term');

-- The cases that may be referred, learnt from events: nothing of the family.
CREATE TABLE case_file (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    case_id   text NOT NULL,
    closed    boolean NOT NULL DEFAULT false,
    trace     text NOT NULL DEFAULT '',
    PRIMARY KEY (agency_id, case_id)
);
SELECT hearth_protect('case_file');

CREATE TABLE resource_referral (
    agency_id            text NOT NULL DEFAULT current_setting('hearth.agency'),
    resource_referral_id text NOT NULL,
    case_id              text NOT NULL,
    service_id           text NOT NULL,
    service_name         text NOT NULL,
    need                 text NOT NULL,
    state                text NOT NULL CHECK (state IN ('requested', 'accepted', 'declined', 'completed', 'withdrawn')),
    reason_code          text NOT NULL DEFAULT '',
    outcome_code         text NOT NULL DEFAULT '',
    requested_by         text NOT NULL,
    requested_at         timestamptz NOT NULL,
    answered_at          timestamptz,
    ended_at             timestamptz,
    version              bigint NOT NULL,
    PRIMARY KEY (agency_id, resource_referral_id),
    FOREIGN KEY (agency_id, case_id) REFERENCES case_file (agency_id, case_id),
    FOREIGN KEY (agency_id, service_id) REFERENCES service (agency_id, service_id)
);
-- One open referral for a need at a service: asking twice does not make two.
CREATE UNIQUE INDEX resource_referral_open ON resource_referral (agency_id, case_id, service_id, need)
    WHERE state IN ('requested', 'accepted');
CREATE INDEX resource_referral_case ON resource_referral (agency_id, case_id);
SELECT hearth_protect('resource_referral');
