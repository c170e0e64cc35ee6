-- For tests of hostile calls: a table of calls with what is expected of them, and what runs one.
--
-- A call is `form` with `argument` in the place of @@, and NUMBER is a good number. What is expected is an
-- SQLSTATE, or the answer of a SELECT, or 00000 of another command.
CREATE TEMP TABLE call (
    n int GENERATED ALWAYS AS IDENTITY, expected text, form text, argument text DEFAULT ''
);

-- All that no call may change, apart from what an accepted one is rolled back for: rows of the tables,
-- settings, and locks. (Of a message that has been committed a worker changes the state.)
CREATE TEMP TABLE setting AS SELECT name FROM pg_settings WHERE name ~ '^mfa\.';
CREATE FUNCTION pg_temp.state() RETURNS text[] LANGUAGE sql AS $$
    SELECT ARRAY[
        'requests', (SELECT md5(string_agg(r::text, ',' ORDER BY r.id)) FROM mfa.request AS r),
        'messages', (SELECT md5(string_agg(concat_ws(' ', request, n, channel, providers), ',' ORDER BY request, n))
            FROM mfa.message),
        'failures', (SELECT md5(string_agg(f::text, ',' ORDER BY f::text)) FROM mfa.failure AS f),
        'routes', (SELECT md5(string_agg(r::text, ',' ORDER BY r.prefix)) FROM mfa.route AS r),
        'servers', (SELECT md5(string_agg(s::text, ',' ORDER BY s.oid)) FROM pg_foreign_server AS s),
        'mappings', (SELECT md5(string_agg(u::text, ',' ORDER BY u.oid)) FROM pg_user_mapping AS u),
        'settings', (SELECT string_agg(concat_ws('=', name, current_setting(name)), ',' ORDER BY name) FROM setting),
        'locks', (SELECT string_agg(concat_ws(' ', locktype, relation::regclass, classid, objid, objsubid, mode),
                ',' ORDER BY locktype, relation, classid, objid, mode)
            FROM pg_locks WHERE pid = pg_backend_pid() AND mode <> 'AccessShareLock'
                AND locktype NOT IN ('virtualxid', 'transactionid'))]
$$;

-- The recipient and the code of the calls have 31755 and 739184 in them, their addresses secret.person and
-- their credentials s3cr3t. In an error they must not be seen, nor any Arabic-Indic or full-width digits; the
-- example in hints may. What PostgreSQL refuses before the extension is called, or how it
-- refuses a setting, is PostgreSQL's text.
CREATE FUNCTION pg_temp.tells(said text) RETURNS boolean LANGUAGE sql AS $$
    SELECT regexp_replace(replace(said, '+14155550123', ''), '[^0-9]', '', 'g') ~ '31755|739184'
        OR said ~* 'secret\.person|s3cr3t'
        OR encode(convert_to(said, getdatabaseencoding()), 'hex') ~ '^(..)*(d9a|efbc9)[0-9]'
$$;

-- Runs a call and rolls it back. The answer or the SQLSTATE, followed by whatever is wrong besides.
CREATE FUNCTION pg_temp.outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before CONSTANT text[] := pg_temp.state();
    now text[];
    got text := '00000';
    said text;
    message text;
    detail text;
    hint text;
BEGIN
    call := replace(call, 'NUMBER', quote_literal('+13175550142'));
    BEGIN
        IF call LIKE 'SELECT %' THEN
            EXECUTE call INTO got;
        ELSE
            EXECUTE call;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'ZZ999';
    EXCEPTION WHEN SQLSTATE 'ZZ999' THEN
        got := coalesce(got, 'null');
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS got = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
            detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        said := concat_ws(' ', message, detail, hint);
        IF length(said) > 3000 AND got !~ '^(22P02|22023)$' THEN
            got := got || ', and says too much';
        END IF;
        IF got ~ '^(0A000|22004|22023|42501|42704|55000|HV|MF)' AND pg_temp.tells(said)
                AND message NOT LIKE 'invalid value for parameter%' THEN
            got := got || ', and says what it must not: ' || left(said, 200);
        END IF;
    END;
    now := pg_temp.state();
    FOR i IN 1 .. cardinality(now) BY 2 LOOP
        IF now[i + 1] IS DISTINCT FROM before[i + 1] THEN
            got := got || ', and changed: ' || now[i];
        END IF;
    END LOOP;
    RETURN got;
END $$;

-- Runs those of which something like `which` is expected.
CREATE FUNCTION pg_temp.run_calls(which text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT is(pg_temp.outcome(replace(form, '@@', argument)), expected, expected || ': '
        || left(regexp_replace(replace(form, '@@', argument), '[[:cntrl:]]', ' ', 'g'), 100))
    FROM call WHERE expected ~ which ORDER BY n;
END $$;

-- What the backend holds on to, in MB: of PostgreSQL's own memory, and of all.
CREATE FUNCTION pg_temp.memory(OUT contexts bigint, OUT resident bigint) LANGUAGE sql AS $$
    SELECT (SELECT sum(total_bytes)::bigint / 1048576 FROM pg_backend_memory_contexts),
        substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s+(\d+)')::bigint / 1024
$$;
