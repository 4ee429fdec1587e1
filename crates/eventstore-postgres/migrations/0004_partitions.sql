-- The log in partitions, for those who want it, and old partitions taken out of it.
--
-- Until `partition_event_log` is called, `event_log` is one table, and nothing here costs anything.

-- How many events a partition is to hold; no row where the log is one table.
CREATE TABLE partitioning (
    only_row             boolean NOT NULL DEFAULT true,
    events_per_partition bigint NOT NULL,
    CONSTRAINT partitioning_only_row PRIMARY KEY (only_row),
    CONSTRAINT partitioning_is_one CHECK (only_row),
    CONSTRAINT partitioning_events CHECK (events_per_partition > 0)
);

-- The partitions, also those that have been taken out of the log.
CREATE TABLE partitions (
    first_position bigint NOT NULL,
    -- The first position behind it.
    beyond         bigint NOT NULL,
    table_name     name NOT NULL,
    -- Where its events went, and when. NULL while it is in the log.
    file           text,
    retired_at     timestamptz,
    CONSTRAINT partitions_first_position PRIMARY KEY (first_position),
    CONSTRAINT partitions_hold_something CHECK (beyond > first_position),
    CONSTRAINT partitions_went_somewhere CHECK ((file IS NULL) = (retired_at IS NULL))
);

-- The last position that has been taken out of the log; 0 where nothing has.
CREATE FUNCTION retired_position() RETURNS bigint LANGUAGE sql STABLE
    SET search_path FROM CURRENT
AS $$ SELECT coalesce(max(beyond) - 1, 0) FROM partitions WHERE retired_at IS NOT NULL $$;

-- Puts ids where they can be looked up over all partitions, and also when their events have been taken out.
CREATE FUNCTION store_ids() RETURNS trigger LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO stored_ids (event_id, stream_id, position) SELECT event_id, stream_id, position FROM new_events;
    RETURN NULL;
END
$$;

CREATE FUNCTION add_partition(first_position bigint, beyond bigint) RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
DECLARE
    -- So that their names are in the order of their positions. `lpad` would cut off what is longer.
    partition name := 'event_log_' || lpad(first_position::text, greatest(12, length(first_position::text)), '0');
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE event_log INCLUDING ALL EXCLUDING INDEXES)', partition);
    EXECUTE format(
        'CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
        'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', partition
    );
    -- To attach a partition takes no lock that readers see. But a reader whose statement was planned before, and began after,
    -- would see the part of an append that is in the partitions he knows, and not the rest. So readers are waited for.
    LOCK TABLE event_log IN ACCESS EXCLUSIVE MODE;
    EXECUTE format(
        'ALTER TABLE event_log ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', partition, first_position, beyond
    );
    INSERT INTO partitions (first_position, beyond, table_name) VALUES (first_position, beyond, partition);
END
$$;

-- Sees to it that there are partitions up to this position. Called by whoever has the turn to append.
--
-- The next one is made when the last is half full, where no reader is in the way just then; only when it is needed they are
-- waited for, and everybody waits with it.
CREATE FUNCTION make_room(last_position bigint) RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
DECLARE
    -- By the key: appends are planned as if to read a whole table cost a fortune.
    events bigint := (SELECT p.events_per_partition FROM partitioning p WHERE p.only_row);
    next   bigint;
    limits text := current_setting('lock_timeout');
BEGIN
    IF events IS NULL THEN
        RETURN;
    END IF;
    SELECT p.beyond INTO next FROM partitions p ORDER BY p.first_position DESC LIMIT 1;
    WHILE next <= last_position LOOP
        PERFORM add_partition(next, next + events);
        next := next + events;
    END LOOP;
    IF next - last_position <= events / 2 THEN
        BEGIN
            PERFORM set_config('lock_timeout', '50ms', true);
            PERFORM add_partition(next, next + events);
        EXCEPTION WHEN lock_not_available THEN
            -- Then the next append tries.
        END;
        -- It may be a transaction of the caller's own.
        PERFORM set_config('lock_timeout', limits, true);
    END IF;
END
$$;

-- Makes partitions of so many events from now on. What is in the log by then becomes the first, which takes as long as to
-- build two indexes over it; appends and reads wait meanwhile. Called again, it counts for partitions that are still to come.
--
-- Indexes of a partitioned table cannot say that a version or an id is in none of the other partitions. Versions are
-- unique all the same, because whoever has the turn looks before he appends; ids get a table of their own.
CREATE FUNCTION partition_event_log(events bigint) RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
DECLARE
    others text;
    beyond bigint;
    entry  record;
BEGIN
    PERFORM take_turn();
    IF EXISTS (SELECT FROM partitioning) THEN
        UPDATE partitioning SET events_per_partition = events;
        RETURN;
    END IF;
    LOCK TABLE event_log IN ACCESS EXCLUSIVE MODE;

    SELECT string_agg(DISTINCT d.what, ', ') INTO others FROM (
        SELECT 'view ' || r.ev_class::regclass::text AS what
        FROM pg_depend p JOIN pg_rewrite r ON r.oid = p.objid
        WHERE p.classid = 'pg_rewrite'::regclass AND p.refclassid = 'pg_class'::regclass
            AND p.refobjid = 'event_log'::regclass
            AND r.ev_class NOT IN ('events'::regclass, 'streams'::regclass, 'known_ids'::regclass)
        UNION
        SELECT 'trigger ' || t.tgname FROM pg_trigger t
        WHERE t.tgrelid = 'event_log'::regclass AND NOT t.tgisinternal AND t.tgname <> 'never_changed'
        UNION
        SELECT 'index ' || i.indexrelid::regclass::text FROM pg_index i
        WHERE i.indrelid = 'event_log'::regclass AND i.indexrelid NOT IN (
            'event_log_position'::regclass, 'event_log_version'::regclass, 'event_log_event_id'::regclass,
            'event_log_type'::regclass
        )
        UNION
        SELECT 'foreign key ' || c.conname || ' of ' || c.conrelid::regclass::text
        FROM pg_constraint c WHERE c.contype = 'f' AND c.confrelid = 'event_log'::regclass
    ) d;
    IF others IS NOT NULL THEN
        RAISE EXCEPTION 'these would be of the oldest partition alone: %; drop them, and make them again afterwards',
            others USING ERRCODE = 'dependent_objects_still_exist';
    END IF;

    INSERT INTO partitioning (events_per_partition) VALUES (events);
    CREATE TABLE stored_ids (
        event_id  uuid NOT NULL,
        stream_id bigint NOT NULL,
        position  bigint NOT NULL,
        CONSTRAINT stored_ids_event_id PRIMARY KEY (event_id, stream_id)
    );
    INSERT INTO stored_ids SELECT k.event_id, k.stream_id, k.position FROM known_ids k;
    CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON stored_ids
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE OR REPLACE VIEW known_ids AS SELECT event_id, stream_id, position FROM stored_ids;

    ALTER TABLE event_log RENAME TO event_log_000000000001;
    ALTER TABLE event_log_000000000001 RENAME CONSTRAINT event_log_position TO event_log_000000000001_position;
    ALTER INDEX event_log_type RENAME TO event_log_000000000001_type;
    ALTER TABLE event_log_000000000001 DROP CONSTRAINT event_log_event_id;
    DROP INDEX event_log_version;
    CREATE TABLE event_log (LIKE event_log_000000000001 INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (position);
    ALTER TABLE event_log ADD CONSTRAINT event_log_position PRIMARY KEY (position);
    CREATE INDEX event_log_version ON event_log (stream_id, version);
    CREATE INDEX event_log_type ON event_log (event_type, position);
    CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON event_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER store_ids AFTER INSERT ON event_log REFERENCING NEW TABLE AS new_events
        FOR EACH STATEMENT EXECUTE FUNCTION store_ids();
    -- What roles could do with the table they can do with its successor.
    FOR entry IN
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee, a.privilege_type
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE c.oid = 'event_log_000000000001'::regclass AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT %s ON event_log TO %s', entry.privilege_type, entry.grantee);
        IF entry.privilege_type = 'SELECT' THEN
            EXECUTE format('GRANT SELECT ON stored_ids TO %s', entry.grantee);
        END IF;
    END LOOP;

    beyond := (coalesce((SELECT max(e.position) FROM event_log_000000000001 e), 0) / events + 1) * events + 1;
    EXECUTE format('ALTER TABLE event_log ATTACH PARTITION event_log_000000000001 FOR VALUES FROM (1) TO (%s)', beyond);
    INSERT INTO partitions (first_position, beyond, table_name) VALUES (1, beyond, 'event_log_000000000001');
    PERFORM define_views();
END
$$;

-- The oldest partition in the log, which is the one to retire, if it is full and others are behind it.
CREATE FUNCTION partition_to_retire(oldest bigint) RETURNS partitions LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    partition partitions;
BEGIN
    SELECT * INTO partition FROM partitions WHERE retired_at IS NULL ORDER BY first_position LIMIT 1;
    IF partition.first_position IS DISTINCT FROM oldest THEN
        RAISE EXCEPTION 'the oldest partition in the log begins at position %, and not at %', partition.first_position, oldest
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- The last event says how far positions and time have come.
    IF head_position() < partition.beyond THEN
        RAISE EXCEPTION 'the partition that begins at position % is still written', oldest
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN partition;
END
$$;

-- Takes the oldest partition out of the log, for good. What was in it has to be somewhere else by then: `file` says where.
--
-- What is gone: its events; their tags can be deleted from then on, and mean nothing meanwhile. What stays: how far its
-- streams went, and the ids of its events, so that none of them is stored a second time.
CREATE FUNCTION retire_partition(oldest bigint, file text) RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    partition partitions := partition_to_retire(oldest);
BEGIN
    -- Before the turn: it takes as long as to read all of it, and a partition that is full does not change.
    EXECUTE format(
        'INSERT INTO retired_streams AS r SELECT stream_id, max(version) FROM %I GROUP BY stream_id '
        'ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version', partition.table_name
    );
    PERFORM take_turn();
    partition := partition_to_retire(oldest);
    EXECUTE format('ALTER TABLE event_log DETACH PARTITION %I', partition.table_name);
    EXECUTE format('DROP TABLE %I', partition.table_name);
    UPDATE partitions SET file = retire_partition.file, retired_at = now() WHERE first_position = oldest;
END
$$;

-- Tags are deleted with their events, and never else.
CREATE FUNCTION refuse_unless_retired() RETURNS trigger LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (SELECT FROM event_log e WHERE e.position = OLD.position) THEN
        RAISE EXCEPTION 'DELETE of event_tags is refused: events are never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER never_changed_before_retired BEFORE DELETE ON event_tags
    FOR EACH ROW EXECUTE FUNCTION refuse_unless_retired();

INSERT INTO schema_migrations (version, name) VALUES (4, 'partitions');
