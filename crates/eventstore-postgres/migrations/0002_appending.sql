-- What appends, and what it is made of. docs/postgres-schema.md explains how positions are given out.

-- The position of the last event; 0 where there is none.
CREATE FUNCTION head_position() RETURNS bigint LANGUAGE sql STABLE
    SET search_path FROM CURRENT
AS $$ SELECT coalesce((SELECT position FROM event_log ORDER BY position DESC LIMIT 1), 0) $$;

-- The number of each of these streams, and its last version. One that has none yet is left out.
CREATE FUNCTION stream_heads(names text[]) RETURNS TABLE (name text, stream_id bigint, version bigint) LANGUAGE sql STABLE
    SET search_path FROM CURRENT
AS $$
    SELECT s.name, s.stream_id, coalesce(
        (SELECT e.version FROM event_log e WHERE e.stream_id = s.stream_id ORDER BY e.version DESC LIMIT 1),
        -- All of its events may have been moved out of the log.
        (SELECT r.version FROM retired_streams r WHERE r.stream_id = s.stream_id),
        0
    )
    FROM unnest(names) AS w (name) JOIN stream_names s USING (name)
$$;

-- Plans are made once, from indexes, and without compiling them: what is looked at is little, however much a new or an empty
-- table lets the planner believe.

-- The last version of a stream at or before a position; 0 where there is none. Versions rise with positions, and have no gap.
CREATE FUNCTION version_at(stream bigint, at_position bigint) RETURNS bigint LANGUAGE plpgsql STABLE
    SET search_path FROM CURRENT
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET jit = off
AS $$
DECLARE
    below  bigint := 0;
    beyond bigint;
    middle bigint;
BEGIN
    IF at_position <= 0 THEN
        RETURN 0;
    END IF;
    SELECT e.version + 1 INTO beyond FROM event_log e WHERE e.stream_id = stream ORDER BY e.version DESC LIMIT 1;
    WHILE beyond - below > 1 LOOP
        middle := (below + beyond) / 2;
        IF EXISTS (
            SELECT FROM event_log e WHERE e.stream_id = stream AND e.version = middle AND e.position > at_position
        ) THEN
            beyond := middle;
        ELSE
            below := middle;
        END IF;
    END LOOP;
    RETURN below;
END
$$;

-- Holds everyone else back who wants to append, to the end of the transaction. Held before anything is looked at, and when
-- it is given back the transaction can be seen: so positions become visible in their order, and never one before another.
CREATE FUNCTION take_turn() RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
BEGIN
    -- An older snapshot would not show what others have appended meanwhile.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'events are appended in transactions of isolation level read committed, and this one is %',
            current_setting('transaction_isolation')
            USING ERRCODE = 'active_sql_transaction';
    END IF;
    -- The first number, `EVST`, keeps apart from locks of others; the second is a table of the store, as a number with a sign.
    PERFORM pg_advisory_xact_lock(1163285332, ('stream_names'::regclass::oid::bigint - 2147483648)::integer);
END
$$;

-- The first event after a position that one criterion of a filter matches; NULL where there is none. What is NULL, or an
-- empty list of tags, asks for nothing; `prefix_end` is the first name behind all that begin with the prefix.
CREATE FUNCTION first_match(
    after_position bigint,
    wanted_types   text[],
    wanted_stream  text,
    prefix         text,
    prefix_end     text,
    wanted_tags    text[]
) RETURNS bigint LANGUAGE plpgsql STABLE
    SET search_path FROM CURRENT
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET jit = off
AS $$
DECLARE
    found bigint;
    wanted bigint;
BEGIN
    IF wanted_stream IS NOT NULL THEN
        SELECT s.stream_id INTO wanted FROM stream_names s
        WHERE s.name = wanted_stream
            AND (prefix IS NULL OR (s.name >= prefix AND (prefix_end IS NULL OR s.name < prefix_end)));
        IF wanted IS NULL THEN
            RETURN NULL;
        END IF;
        SELECT e.position INTO found FROM event_log e
        WHERE e.stream_id = wanted AND e.version > version_at(wanted, after_position)
            AND (wanted_types IS NULL OR e.event_type = ANY (wanted_types))
            AND (wanted_tags IS NULL OR e.tags @> wanted_tags)
        ORDER BY e.version LIMIT 1;
    ELSIF wanted_tags IS NOT NULL THEN
        SELECT t.position INTO found
        FROM event_tags t JOIN event_log e USING (position) JOIN stream_names s USING (stream_id)
        WHERE t.tag = wanted_tags[1] AND t.position > after_position
            AND (cardinality(wanted_tags) = 1 OR e.tags @> wanted_tags)
            AND (wanted_types IS NULL OR e.event_type = ANY (wanted_types))
            AND (prefix IS NULL OR (s.name >= prefix AND (prefix_end IS NULL OR s.name < prefix_end)))
        ORDER BY t.position LIMIT 1;
    ELSIF wanted_types IS NOT NULL THEN
        SELECT min(m.position) INTO found FROM unnest(wanted_types) AS w (event_type)
        CROSS JOIN LATERAL (
            SELECT e.position FROM event_log e JOIN stream_names s USING (stream_id)
            WHERE e.event_type = w.event_type AND e.position > after_position
                AND (prefix IS NULL OR (s.name >= prefix AND (prefix_end IS NULL OR s.name < prefix_end)))
            ORDER BY e.position LIMIT 1
        ) m;
    ELSIF prefix IS NOT NULL AND after_position = 0 THEN
        SELECT m.position INTO found FROM stream_names s
        CROSS JOIN LATERAL (
            SELECT e.position FROM event_log e WHERE e.stream_id = s.stream_id ORDER BY e.version LIMIT 1
        ) m
        WHERE s.name >= prefix AND (prefix_end IS NULL OR s.name < prefix_end) LIMIT 1;
    ELSE
        SELECT e.position INTO found FROM event_log e JOIN stream_names s USING (stream_id)
        WHERE e.position > after_position
            AND (prefix IS NULL OR (s.name >= prefix AND (prefix_end IS NULL OR s.name < prefix_end)))
        ORDER BY e.position LIMIT 1;
    END IF;
    RETURN found;
END
$$;

-- Appends several batches in one transaction, each of them all or nothing, and says of each what became of it.
--
-- Lists that belong together have one entry for each stream, each guard, each append or each event; numbers into another list
-- count from 1, and batches are numbered without a gap in rising order, as are the appends. The caller sees to it that no
-- stream is in two batches of a call, that no stream is in two appends, and that only the first batch has a condition.
--
-- What comes back, one row each, with the columns that it needs:
--   'stored'    an append: `number` is its own, `version` and `position` are those of its first event
--   'known'     a batch of which some event is stored already. It may be a retry: nothing of it was stored
--   'version'   a batch that a guard kept from being stored: which `guard`, and the `version` that the stream has
--   'condition' a batch that its condition kept from being stored, and the `position` of an event that it excludes
-- `number` is that of the batch but for the first of them.
CREATE FUNCTION append_events(
    -- The streams that are named anywhere below.
    streams         text[],
    -- What each batch expects of streams, in the order in which it is looked at: a version, or -1 for any but 0.
    guard_batches   integer[],
    guard_streams   integer[],
    guard_versions  bigint[],
    -- A list of objects with `types`, `stream`, `prefix`, `prefix_end` and `tags`; NULL where there is no condition.
    condition       jsonb,
    condition_after bigint,
    -- The events of one stream in one batch.
    append_batches  integer[],
    append_streams  integer[],
    append_events   integer[],
    -- The events of all appends, one append behind the other. Tags are written as arrays: '{"a:b","c:d"}'.
    event_appends   integer[],
    event_ids       uuid[],
    event_types     text[],
    schema_versions bigint[],
    encodings       smallint[],
    data            text[],
    payloads        bytea[],
    metadata        text[],
    tags            text[],
    -- Whether ids are looked up before anything is stored. Where they are not, a known id is a violation of a constraint
    -- whose name ends in `event_id`, and nothing of the whole call is stored.
    looks_ids_up    boolean,
    OUT outcome text, OUT number integer, OUT guard integer, OUT version bigint, OUT "position" bigint
) RETURNS SETOF record LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path FROM CURRENT
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    batches         integer := append_batches[cardinality(append_batches)];
    stream_ids      bigint[];
    heads           bigint[];
    first_versions  bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(append_batches)]);
    first_positions bigint[] := first_versions;
    known           integer[] := '{}';
    head            bigint;
    head_before     bigint;
    head_time       timestamptz;
    next_guard      integer := 1;
    next_append     integer := 1;
    next_event      integer := 1;
    refused         text;
    failed_guard    integer;
    expected        bigint;
    actual          bigint;
    found           bigint;
    events          integer;
    stored          integer := 0;
    brings_streams  boolean := false;
BEGIN
    -- Positions and versions are counted by these. Whoever may call this may be wrong, and is to leave no gap behind.
    IF EXISTS (
        SELECT FROM (
            SELECT u.append, count(*) AS events FROM unnest(event_appends) AS u (append) GROUP BY u.append
        ) given FULL JOIN unnest(append_events) WITH ORDINALITY AS told (events, append) USING (append)
        WHERE given.events IS DISTINCT FROM told.events
    )
        OR cardinality(event_ids) <> cardinality(event_appends)
        OR cardinality(append_batches) <> cardinality(append_events)
        OR cardinality(append_streams) <> cardinality(append_events)
        -- No stream in two appends, none that is not in the list, and none twice in it.
        OR cardinality(append_streams) <> (
            SELECT count(DISTINCT s.name)
            FROM unnest(append_streams) AS u (n) JOIN unnest(streams) WITH ORDINALITY AS s (name, n) USING (n)
        )
        OR cardinality(streams) <> (SELECT count(DISTINCT u.name) FROM unnest(streams) AS u (name))
    THEN
        RAISE EXCEPTION 'append_events was told of other events than it was given'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    PERFORM take_turn();

    SELECT e.position, e.recorded_at INTO head, head_time FROM event_log e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    head_before := head;

    SELECT array_agg(w.stream_id ORDER BY w.n),
        array_agg(coalesce((
            SELECT e.version FROM event_log e WHERE e.stream_id = w.stream_id ORDER BY e.version DESC LIMIT 1
        ), (
            -- All of its events may have been moved out of the log.
            SELECT r.version FROM retired_streams r WHERE r.stream_id = w.stream_id
        ), 0) ORDER BY w.n)
    INTO stream_ids, heads
    FROM (
        SELECT u.n, (SELECT s.stream_id FROM stream_names s WHERE s.name = u.name) AS stream_id
        FROM unnest(streams) WITH ORDINALITY AS u (name, n)
        OFFSET 0
    ) w;

    IF looks_ids_up THEN
        SELECT coalesce(array_agg(DISTINCT append_batches[u.append]), '{}') INTO known
        FROM unnest(event_appends, event_ids) AS u (append, id)
        WHERE EXISTS (
            SELECT FROM known_ids k
            WHERE k.event_id = u.id AND k.stream_id = stream_ids[append_streams[u.append]]
        );
    END IF;

    FOR batch IN 1..batches LOOP
        refused := CASE WHEN batch = ANY (known) THEN 'known' END;
        WHILE guard_batches[next_guard] = batch LOOP
            IF refused IS NULL THEN
                expected := guard_versions[next_guard];
                actual := heads[guard_streams[next_guard]];
                IF (expected = -1 AND actual = 0) OR (expected >= 0 AND actual <> expected) THEN
                    refused := 'version';
                    failed_guard := next_guard;
                END IF;
            END IF;
            next_guard := next_guard + 1;
        END LOOP;
        IF refused IS NULL AND batch = 1 AND condition IS NOT NULL THEN
            SELECT min(first_match(
                condition_after,
                CASE WHEN c ? 'types' THEN ARRAY(SELECT jsonb_array_elements_text(c -> 'types')) END,
                c ->> 'stream',
                c ->> 'prefix',
                c ->> 'prefix_end',
                CASE WHEN c ? 'tags' THEN ARRAY(SELECT jsonb_array_elements_text(c -> 'tags')) END
            )) INTO found FROM jsonb_array_elements(condition) AS c;
            IF found IS NOT NULL THEN
                refused := 'condition';
            END IF;
        END IF;
        -- What is stored already stays so, whatever the guards say now.
        IF refused IN ('version', 'condition') AND NOT looks_ids_up THEN
            IF EXISTS (
                SELECT FROM unnest(event_appends, event_ids) AS u (append, id)
                WHERE append_batches[u.append] = batch AND EXISTS (
                    SELECT FROM known_ids k
                    WHERE k.event_id = u.id AND k.stream_id = stream_ids[append_streams[u.append]]
                )
            ) THEN
                refused := 'known';
            END IF;
        END IF;

        WHILE append_batches[next_append] = batch LOOP
            events := append_events[next_append];
            IF refused IS NULL THEN
                outcome := 'stored';
                number := next_append;
                version := heads[append_streams[next_append]] + 1;
                "position" := head + 1;
                first_versions[next_append] := version;
                first_positions[next_append] := "position";
                head := head + events;
                stored := stored + events;
                brings_streams := brings_streams OR stream_ids[append_streams[next_append]] IS NULL;
                RETURN NEXT;
            END IF;
            next_append := next_append + 1;
        END LOOP;
        IF refused IS NOT NULL THEN
            outcome := refused;
            number := batch;
            guard := CASE refused WHEN 'version' THEN failed_guard END;
            version := CASE refused WHEN 'version' THEN actual END;
            "position" := CASE refused WHEN 'condition' THEN found END;
            RETURN NEXT;
            guard := NULL;
        END IF;
    END LOOP;

    IF stored = 0 THEN
        RETURN;
    END IF;

    IF brings_streams THEN
        -- A list of texts is gone through from its beginning for each of its elements that is asked for by its number.
        WITH brought AS (
            INSERT INTO stream_names (name)
            SELECT s.name
            FROM unnest(append_streams, first_positions) AS a (n, first_position)
            JOIN unnest(streams, stream_ids) WITH ORDINALITY AS s (name, stream_id, n) USING (n)
            WHERE s.stream_id IS NULL AND a.first_position IS NOT NULL
            RETURNING stream_id, name
        )
        SELECT array_agg(coalesce(s.stream_id, b.stream_id) ORDER BY s.n) INTO stream_ids
        FROM unnest(streams, stream_ids) WITH ORDINALITY AS s (name, stream_id, n) LEFT JOIN brought b USING (name);
    END IF;

    PERFORM make_room(head);

    -- Time never runs backwards, though the clock may.
    head_time := greatest(clock_timestamp(), head_time);

    INSERT INTO event_log (
        position, stream_id, version, recorded_at, event_id, schema_version, encoding, event_type, data, payload,
        payload_bytes, metadata, tags
    )
    SELECT
        first_positions[u.append] + u.nth,
        stream_ids[append_streams[u.append]],
        first_versions[u.append] + u.nth,
        head_time, u.id, u.schema_version, u.encoding, u.event_type,
        u.data::json, u.payload, coalesce(octet_length(u.payload), octet_length(u.data)), u.metadata::jsonb, u.tags::text[]
    FROM (
        SELECT w.*, row_number() OVER (PARTITION BY w.append ORDER BY w.n) - 1 AS nth
        FROM unnest(
            event_appends, event_ids, event_types, schema_versions, encodings, data, payloads, metadata, tags
        ) WITH ORDINALITY AS w (
            append, id, event_type, schema_version, encoding, data, payload, metadata, tags, n
        )
    ) u
    WHERE first_positions[u.append] IS NOT NULL;
    GET DIAGNOSTICS events = ROW_COUNT;
    IF events <> stored THEN
        RAISE EXCEPTION 'of % events % were stored: something on event_log keeps rows out', stored, events
            USING ERRCODE = 'triggered_data_change_violation';
    END IF;

    INSERT INTO event_tags (tag, position)
    SELECT t.tag, e.position FROM event_log e CROSS JOIN LATERAL unnest(e.tags) AS t (tag)
    WHERE e.position > head_before AND e.tags IS NOT NULL;
END
$$;

COMMENT ON FUNCTION append_events IS 'The one way to append events; docs/postgres-schema.md says how it is called.';

-- It works with the rights of its owner, so it is not for everybody, as functions otherwise are.
REVOKE ALL ON FUNCTION append_events FROM PUBLIC;

INSERT INTO schema_migrations (version, name) VALUES (2, 'appending');
