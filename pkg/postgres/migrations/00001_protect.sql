-- +goose Up

-- hearth_protect gives a table its row-level security and the runtime role its
-- use of it. The tenant is what InTenant set; set to nothing it equals nothing,
-- so that a transaction without a tenant sees no row and writes none.
-- +goose StatementBegin
CREATE FUNCTION hearth_protect(protected regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', protected);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', protected);
    EXECUTE format($policy$
        CREATE POLICY tenant ON %s
        USING (agency_id = nullif(current_setting('hearth.agency', true), ''))
        WITH CHECK (agency_id = nullif(current_setting('hearth.agency', true), ''))
    $policy$, protected);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', protected, current_setting('hearth.runtime_role'));
END
$$;
-- +goose StatementEnd

-- hearth_backbone opens a table of the kit to InBackbone too.
-- +goose StatementBegin
CREATE FUNCTION hearth_backbone(opened regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($policy$
        CREATE POLICY backbone ON %s
        USING (current_setting('hearth.backbone', true) = 'on')
        WITH CHECK (current_setting('hearth.backbone', true) = 'on')
    $policy$, opened);
END
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION hearth_protect(regclass), hearth_backbone(regclass) FROM PUBLIC;
