-- What people look at. Programs have the tables.

-- A payload as JSON, where it is some; the payloads of snapshots are kept as bytes.
CREATE FUNCTION as_jsonb(encoding smallint, payload bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN CASE WHEN encoding = 1 THEN convert_from(payload, 'UTF8')::jsonb END;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;

-- Made by a function, because they have to be made again where the log becomes another table (0004_partitions.sql).
CREATE FUNCTION define_views() RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
BEGIN
    CREATE OR REPLACE VIEW events AS
    SELECT
        e.position, s.name AS stream, split_part(s.name, '-', 1) AS category, e.version, e.event_id, e.event_type,
        e.schema_version, e.recorded_at, e.data::jsonb AS data, e.payload, e.encoding, e.metadata, e.tags
    FROM event_log e JOIN stream_names s USING (stream_id);
    COMMENT ON VIEW events IS 'Every event, in the order of `position`. `data` where the payload is JSON, `payload` where not.';

    CREATE OR REPLACE VIEW streams AS
    SELECT
        s.name AS stream, split_part(s.name, '-', 1) AS category, last.version,
        first.recorded_at AS first_recorded_at, last.recorded_at AS last_recorded_at, last.position AS last_position
    FROM stream_names s
    CROSS JOIN LATERAL (
        SELECT e.recorded_at FROM event_log e WHERE e.stream_id = s.stream_id ORDER BY e.version LIMIT 1
    ) first
    CROSS JOIN LATERAL (
        SELECT e.version, e.recorded_at, e.position FROM event_log e
        WHERE e.stream_id = s.stream_id ORDER BY e.version DESC LIMIT 1
    ) last;
    COMMENT ON VIEW streams IS 'Every stream that has events, with its last version and when it began and went on.';

    CREATE OR REPLACE VIEW latest_snapshots AS
    SELECT
        stream, version, state_type, schema_version, encoding, payload, as_jsonb(encoding, payload) AS data, saved_at
    FROM snapshots;
    COMMENT ON VIEW latest_snapshots IS 'The latest snapshot of each stream. `data` where it is JSON.';
END
$$;

SELECT define_views();

INSERT INTO schema_migrations (version, name) VALUES (3, 'views');
