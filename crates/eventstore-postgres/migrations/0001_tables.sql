-- The tables of an event store.
--
-- The files in this folder run in their order, in one transaction whose search_path is the schema of the store. By hand:
--
--   BEGIN;
--   CREATE SCHEMA eventstore;
--   SET LOCAL search_path = eventstore, pg_temp;
--   \i 0001_tables.sql
--   \i 0002_appending.sql
--   \i 0003_views.sql
--   \i 0004_partitions.sql
--   \i 0005_roles.sql
--   COMMIT;
--
-- `pg_temp` is named so that it comes last: where it is not, tables of that schema would be found before the store's own.
-- docs/postgres-schema.md explains what is here, and why.

CREATE TABLE schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- The streams, numbered: an event names its stream in eight bytes.
CREATE TABLE stream_names (
    stream_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text COLLATE "C" NOT NULL,
    CONSTRAINT stream_names_name UNIQUE (name)
);

-- The events. Nothing here is ever updated, and nothing deleted.
CREATE TABLE event_log (
    position       bigint NOT NULL,
    stream_id      bigint NOT NULL,
    version        bigint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    event_id       uuid NOT NULL,
    schema_version bigint NOT NULL,
    encoding       smallint NOT NULL,
    event_type     text COLLATE "C" NOT NULL,
    -- A payload stands in one of the two: in `data` where it is JSON, byte for byte as it came.
    data           json,
    payload        bytea,
    -- Of whichever it is: to ask a value for its length would be to read all of it.
    payload_bytes  integer NOT NULL,
    metadata       jsonb,
    tags           text[] COLLATE "C",
    CONSTRAINT event_log_position PRIMARY KEY (position),
    -- The id first: ids rise, so that new ones go to one end of the index.
    CONSTRAINT event_log_event_id UNIQUE (event_id, stream_id),
    CONSTRAINT event_log_one_payload CHECK ((data IS NULL) <> (payload IS NULL)),
    -- What every program can read.
    CONSTRAINT event_log_encoding CHECK (encoding BETWEEN 0 AND 255),
    CONSTRAINT event_log_schema_version CHECK (schema_version BETWEEN 0 AND 4294967295),
    CONSTRAINT event_log_metadata CHECK (jsonb_typeof(metadata) = 'object')
);

-- These two are left out while an empty log is filled: no constraint, so that they can be made while others read.
CREATE UNIQUE INDEX event_log_version ON event_log (stream_id, version);
CREATE INDEX event_log_type ON event_log (event_type, position);

-- Which events are stored, and where. Whoever looks an id up looks here: where the log is in partitions, no index of it can
-- say that an id is in none of them, and this view is of another table (0004_partitions.sql).
CREATE VIEW known_ids AS SELECT event_id, stream_id, position FROM event_log;

-- Where each tag stands.
CREATE TABLE event_tags (
    tag      text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT event_tags_tag PRIMARY KEY (tag, position)
);

-- How far streams went in what has been taken out of the log (0004_partitions.sql): their versions go on from there.
CREATE TABLE retired_streams (
    stream_id bigint NOT NULL,
    version   bigint NOT NULL,
    CONSTRAINT retired_streams_stream PRIMARY KEY (stream_id)
);

-- The latest snapshot of each stream, of which there need be no events.
CREATE TABLE snapshots (
    stream         text COLLATE "C" NOT NULL,
    version        bigint NOT NULL,
    state_type     text COLLATE "C" NOT NULL,
    schema_version bigint NOT NULL,
    encoding       smallint NOT NULL,
    payload        bytea NOT NULL,
    saved_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT snapshots_stream PRIMARY KEY (stream)
);

-- Whoever owns the tables could still change history by accident.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: events are never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON event_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_changed BEFORE UPDATE OR TRUNCATE ON event_tags
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON stream_names
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

INSERT INTO schema_migrations (version, name) VALUES (1, 'tables');
