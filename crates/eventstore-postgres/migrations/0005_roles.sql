-- What roles may do. Whoever runs the migrations owns the store and may do everything; these two functions give others no
-- more than they need. They belong to their caller: only who owns the tables can grant what is on them.
--
--   SELECT eventstore.grant_writing('app');        -- append, read, save snapshots
--   SELECT eventstore.grant_reading('analyst');    -- read
--
-- Call them again after a migration, which may bring new tables; twice is as good as once. To take it back:
-- REVOKE ALL ON ALL TABLES IN SCHEMA eventstore FROM app, the same ON ALL FUNCTIONS and ON SCHEMA.

-- Lets a role read events and snapshots.
CREATE FUNCTION grant_reading(role name) RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
DECLARE
    store name := current_schema();
BEGIN
    -- append_events trusts what it finds in the schema.
    IF has_schema_privilege(role, store, 'CREATE') AND NOT pg_has_role(role, (
        SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = store
    ), 'MEMBER') THEN
        RAISE EXCEPTION 'role % may create things in schema %, and with that change how events are appended', role, store
            USING ERRCODE = 'invalid_grant_operation', HINT = format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %I', store, role);
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', store, role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', store, role);
END
$$;

-- Lets a role append events and save snapshots, and read both. It can change or remove no event, and adds none but by
-- append_events.
CREATE FUNCTION grant_writing(role name) RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
DECLARE
    store name := current_schema();
BEGIN
    PERFORM grant_reading(role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %I.append_events TO %I', store, role);
    EXECUTE format('GRANT INSERT, UPDATE ON %I.snapshots TO %I', store, role);
END
$$;

REVOKE ALL ON FUNCTION grant_reading, grant_writing FROM PUBLIC;

INSERT INTO schema_migrations (version, name) VALUES (5, 'roles');
