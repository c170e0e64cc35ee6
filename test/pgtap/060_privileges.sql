-- What a role without privileges can reach of the extension: nothing. And what one with EXECUTE can: the
-- functions, and no more.
-- Without the REVOKEs on the functions: "not ok - nor any of those that users call".
SET client_min_messages = warning;
CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SET mfa.send_limit = '';
CREATE ROLE pgtap_privileges_app;
CREATE ROLE pgtap_privileges_none;
GRANT EXECUTE ON FUNCTION mfa_send, mfa_check(text, text, text) TO pgtap_privileges_app;
GRANT USAGE ON FOREIGN SERVER gateway TO pgtap_privileges_app;
SELECT plan(21);

CREATE TEMP VIEW relation AS
    SELECT oid, oid::regclass AS name, relkind FROM pg_class
    WHERE relnamespace = 'mfa'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f');
SELECT isnt_empty('SELECT FROM relation', 'there are relations to look at');
SELECT is(has_schema_privilege(role, 'mfa', 'USAGE') OR has_schema_privilege(role, 'mfa', 'CREATE'), false,
    role || ' has no privilege on schema mfa')
FROM unnest(ARRAY['pgtap_privileges_app', 'pgtap_privileges_none']) AS role;
SELECT is_empty(format($$
    SELECT name FROM relation
    WHERE CASE relkind WHEN 'S' THEN has_sequence_privilege(%1$L, oid, 'USAGE, SELECT, UPDATE')
        ELSE has_table_privilege(%1$L, oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
            OR has_any_column_privilege(%1$L, oid, 'SELECT, INSERT, UPDATE, REFERENCES') END
$$, role), role || ' has no privilege on any relation in it')
FROM unnest(ARRAY['pgtap_privileges_app', 'pgtap_privileges_none']) AS role;
SELECT is_empty(format($$
    SELECT oid::regprocedure FROM pg_proc
    WHERE pronamespace = 'mfa'::regnamespace AND has_function_privilege(%L, oid, 'EXECUTE')
$$, role), role || ' may call no function in it')
FROM unnest(ARRAY['pgtap_privileges_app', 'pgtap_privileges_none']) AS role;
SELECT is_empty($$
    SELECT oid::regprocedure FROM pg_proc
    WHERE proname ~ '^mfa_' AND has_function_privilege('pgtap_privileges_none', oid, 'EXECUTE')
$$, 'nor any of those that users call');
SELECT is(has_foreign_data_wrapper_privilege('pgtap_privileges_none', fdwname, 'USAGE'), false,
    'nor make a server of ' || fdwname)
FROM pg_foreign_data_wrapper WHERE fdwname IN ('mfa_http', 'mfa_signalwire') ORDER BY fdwname;
SELECT is(has_server_privilege('pgtap_privileges_none', 'gateway', 'USAGE'), false, 'nor send through one');

-- And what happens when it is tried. A role sees 42501 and nothing of the reason why.
CREATE FUNCTION pg_temp.outcome(role name, command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE command;
    RESET ROLE;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is(array_agg(DISTINCT pg_temp.outcome(role, format(command, name))), ARRAY['42501'],
    format('%s: %s is refused for all of them', role, command))
FROM relation, unnest(ARRAY['SELECT FROM %s', 'DELETE FROM %s', 'TRUNCATE %s', 'LOCK %s']) AS command,
    unnest(ARRAY['pgtap_privileges_app']) AS role
WHERE relkind = 'r' GROUP BY role, command ORDER BY command;
SELECT is(pg_temp.outcome('pgtap_privileges_none', 'SELECT mfa_send(''+14155550101'', provider => ''gateway'')'),
    '42501', 'mfa_send needs EXECUTE');
SELECT is(pg_temp.outcome('pgtap_privileges_app', 'SELECT mfa_send(''+14155550101'', provider => ''gateway'')'),
    '00000', 'and no privilege on any table');
SELECT is(pg_temp.outcome('pgtap_privileges_app', 'SELECT mfa_check(''+14155550101'', ''0000000'')'), '00000',
    'nor does mfa_check');
SELECT is(pg_temp.outcome('pgtap_privileges_app', 'SELECT mfa_verify(''+14155550101'', ''0000000'')'), '42501',
    'whose EXECUTE is not that of mfa_verify');
SELECT is(count(*), 1::bigint, 'the request that was sent is the role''s')
FROM mfa.request WHERE owner = 'pgtap_privileges_app'::regrole;

-- Statistics of the planner would show values of columns to whoever may read them.
ANALYZE;
SELECT set_eq($$ SELECT pg_temp.outcome('pgtap_privileges_app',
    'SELECT 1 / count(*) FROM pg_stats WHERE schemaname = ''mfa''') $$, ARRAY['22012'],
    'no statistics of the tables are shown');

DROP OWNED BY pgtap_privileges_app, pgtap_privileges_none;
DROP ROLE pgtap_privileges_app, pgtap_privileges_none;
SELECT * FROM finish();
