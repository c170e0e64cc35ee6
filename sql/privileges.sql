-- Who may do what. Nothing is granted to PUBLIC; a role needs EXECUTE, and USAGE on a provider's server
-- to send; it reaches requests of its own and of roles that it is a member of, and no table.
SET client_min_messages = warning;
CREATE EXTENSION mfa;
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SELECT format('ALTER DATABASE %I SET mfa.%s', current_database(), setting)
FROM unnest(ARRAY['provider = regress_mfa', 'send_limit = ''''']) AS setting \gexec
CREATE ROLE regress_mfa_app;
CREATE ROLE regress_mfa_other;
CREATE ROLE regress_mfa_member IN ROLE regress_mfa_app;
CREATE ROLE regress_mfa_distant NOINHERIT IN ROLE regress_mfa_app;
CREATE ROLE regress_mfa_none;
DO $$
BEGIN
    EXECUTE (SELECT format('GRANT EXECUTE ON FUNCTION %s TO regress_mfa_app, regress_mfa_other, regress_mfa_distant',
            string_agg(oid::regprocedure::text, ', '))
        FROM pg_proc WHERE proname ~ '^mfa_' AND pronamespace = 'public'::regnamespace);
END $$;
GRANT USAGE ON FOREIGN SERVER regress_mfa TO regress_mfa_app, regress_mfa_other;
\c -

-- Without EXECUTE there is no call, whatever its arguments.
\set VERBOSITY sqlstate
SET ROLE regress_mfa_none;
SELECT mfa_send('+14155550123');
SELECT mfa_send(null);
SELECT mfa_verify('+14155550123', '0000000');
SELECT mfa_verify('00000000-0000-0000-0000-000000000000'::uuid, '0000000');
SELECT mfa_check('+14155550123', '0000000');
SELECT mfa_check('00000000-0000-0000-0000-000000000000'::uuid, '0000000');
SELECT mfa_verify(null, null);
SELECT mfa_resend('00000000-0000-0000-0000-000000000000');
SELECT mfa_cancel('00000000-0000-0000-0000-000000000000');
SELECT mfa_status('00000000-0000-0000-0000-000000000000');
SELECT mfa.http_validator('{}', 'pg_foreign_server'::regclass);
RESET ROLE;
-- The same for all of the extension's functions.
SELECT p.oid::regprocedure AS "function open to all"
FROM pg_depend AS d JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'mfa')
    AND has_function_privilege('regress_mfa_none', p.oid, 'EXECUTE');

-- EXECUTE opens no table: the functions read them as the extension does, not as the caller.
SET ROLE regress_mfa_app;
SELECT mfa_send('+14155550123') AS id \gset
SELECT status FROM mfa_check('+14155550123', '0000000');
SELECT id FROM mfa.request;
SELECT count(*) FROM mfa.message;
UPDATE mfa.request SET attempts = 0;
DELETE FROM mfa.request;
TRUNCATE mfa.request;
COPY mfa.request TO STDOUT;
CREATE TABLE mfa.mine ();
RESET ROLE;
-- Not even with USAGE on the schema.
GRANT USAGE ON SCHEMA mfa TO regress_mfa_app;
SET ROLE regress_mfa_app;
SELECT id FROM mfa.request;
UPDATE mfa.request SET attempts = 0;
SELECT status FROM mfa_check('+14155550123', '0000000');
RESET ROLE;
REVOKE USAGE ON SCHEMA mfa FROM regress_mfa_app;

-- Somebody else's request is refused by its id, and isn't there by its number. Neither costs the owner
-- an attempt, and a number tells nobody that somebody else uses it.
SET ROLE regress_mfa_other;
SELECT mfa_verify(:'id', '0000000');
SELECT mfa_verify(:'id'::uuid, '0000000');
SELECT mfa_check(:'id', '0000000');
SELECT mfa_check(:'id'::uuid, '0000000');
SELECT mfa_check(:'id', '0000000', 'another purpose');
SELECT mfa_resend(:'id');
SELECT mfa_cancel(:'id');
SELECT mfa_status(:'id');
\set VERBOSITY default
SELECT mfa_verify(:'id', '0000000');
\set VERBOSITY sqlstate
SELECT status, attempts_left FROM mfa_check('+14155550123', '0000000');
-- Its own to the same number is another one.
SELECT mfa_send('+14155550123') AS other_id \gset
SELECT :'other_id' <> :'id' AS another_request;
SELECT status, attempts_left FROM mfa_check('+14155550123', '0000000');
RESET ROLE;
SELECT owner::regrole, state, attempts FROM mfa.request ORDER BY owner::regrole::text COLLATE "C";

-- A member of the role reaches the role's requests; its own come first.
SET ROLE regress_mfa_member;
SELECT status, attempts_left FROM mfa_check(:'id', '0000000');
RESET ROLE;
SELECT mfa_send('+14155550124') AS superuser_id \gset
SET ROLE regress_mfa_app;
SELECT mfa_send('+14155550124') AS id \gset
SET ROLE regress_mfa_member;
SELECT status, attempts_left FROM mfa_check('+14155550124', '0000000');
SELECT mfa_send('+14155550124') AS member_id \gset
SELECT status, attempts_left FROM mfa_check('+14155550124', '0000000');
SELECT mfa_check(:'superuser_id', '0000000');
-- But not the other way round.
SET ROLE regress_mfa_app;
SELECT mfa_check(:'member_id', '0000000');
SELECT status, attempts_left FROM mfa_check('+14155550124', '0000000');
RESET ROLE;

-- The views show the same to whoever is granted them, and neither codes nor recipients.
GRANT USAGE ON SCHEMA mfa TO regress_mfa_app, regress_mfa_distant, regress_mfa_none;
GRANT SELECT ON mfa.requests, mfa.messages TO regress_mfa_app, regress_mfa_distant, regress_mfa_none;
SELECT attrelid::regclass, attname FROM pg_attribute
WHERE attrelid IN ('mfa.requests'::regclass, 'mfa.messages'::regclass)
    AND attname IN ('recipient_hash', 'code_hash', 'sealed');
SET ROLE regress_mfa_app;
SELECT owner, purpose, state, attempts, max_attempts FROM mfa.requests ORDER BY id;
SELECT count(*) FROM mfa.messages;
SET ROLE regress_mfa_member;
SELECT owner, count(*) FROM mfa.requests GROUP BY owner ORDER BY owner::text COLLATE "C";
SELECT owner, count(*) FROM mfa.messages JOIN mfa.requests ON request = id
GROUP BY owner ORDER BY owner::text COLLATE "C";
SET ROLE regress_mfa_distant;
SELECT count(*) FROM mfa.requests;
SET ROLE regress_mfa_none;
SELECT count(*) FROM mfa.requests;
SELECT count(*) FROM mfa.messages;
-- A function that leaks what it is called with, and is cheap, sees no more rows than its caller.
CREATE FUNCTION pg_temp.leak(uuid) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    RAISE WARNING 'leaked';
    RETURN true;
END $$;
SELECT count(*) FROM mfa.requests WHERE pg_temp.leak(id);
SELECT count(*) FROM mfa.messages WHERE pg_temp.leak(request);
DROP FUNCTION pg_temp.leak;
RESET ROLE;
REVOKE ALL ON mfa.requests, mfa.messages FROM regress_mfa_app, regress_mfa_distant, regress_mfa_none;
REVOKE ALL ON SCHEMA mfa FROM regress_mfa_app, regress_mfa_distant, regress_mfa_none;

-- A member that inherits nothing reaches them as that role only.
SET SESSION AUTHORIZATION regress_mfa_distant;
SELECT mfa_check(:'id', '0000000');
SELECT status FROM mfa_check('+14155550124', '0000000');
SET ROLE regress_mfa_app;
SELECT status, attempts_left FROM mfa_check(:'id', '0000000');
RESET SESSION AUTHORIZATION;

-- A superuser reaches all. By number, its own come first.
SELECT mfa_send('+14155550125') AS superuser_id \gset
SELECT status, attempts_left FROM mfa_check(:'member_id', '0000000');
SELECT status, attempts_left FROM mfa_check('+14155550124', '0000000');
SELECT attempts FROM mfa.request WHERE id = :'member_id';

-- Inside a SECURITY DEFINER function it is the function's owner who sends and verifies: the way to let a
-- role send nothing else.
CREATE FUNCTION send_login(recipient text) RETURNS uuid LANGUAGE sql SECURITY DEFINER
    SET search_path = public AS 'SELECT mfa_send(recipient)';
CREATE FUNCTION check_login(request text, code text) RETURNS text LANGUAGE sql SECURITY DEFINER
    SET search_path = public AS 'SELECT status FROM mfa_check(request, code)';
ALTER FUNCTION send_login OWNER TO regress_mfa_app;
ALTER FUNCTION check_login OWNER TO regress_mfa_app;
SET ROLE regress_mfa_none;
SELECT send_login('+14155550126') AS id \gset
SELECT check_login('+14155550126', '0000000'), check_login(:'id', '0000000');
SELECT mfa_check(:'id', '0000000');
RESET ROLE;
SELECT owner::regrole, attempts FROM mfa.request WHERE id = :'id';
SET ROLE regress_mfa_other;
SELECT check_login(:'other_id', '0000000');
RESET ROLE;
DROP FUNCTION send_login, check_login;

-- To send, a role needs USAGE on the server, its own or a role's that it inherits from; whether the
-- server is named by the call or by the setting.
SET ROLE regress_mfa_member;
SELECT mfa_send('+14155550127') IS NOT NULL AS sent;
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER regress_mfa FROM regress_mfa_app;
SET ROLE regress_mfa_app;
SELECT mfa_send('+14155550128');
SELECT mfa_send('+14155550128', provider => 'regress_mfa');
\set VERBOSITY default
SELECT mfa_send('+14155550128');
-- To verify needs none.
SELECT status FROM mfa_check('+14155550128', '0000000');
RESET ROLE;

-- A role that has gone leaves its requests to nobody.
DROP OWNED BY regress_mfa_other;
DROP ROLE regress_mfa_other;
\set VERBOSITY sqlstate
SET ROLE regress_mfa_app;
SELECT mfa_check(:'other_id', '0000000');
RESET ROLE;
SELECT status, attempts_left FROM mfa_check(:'other_id', '0000000');

SELECT format('ALTER DATABASE %I RESET mfa.%s', current_database(), setting)
FROM unnest(ARRAY['provider', 'send_limit']) AS setting \gexec
SET client_min_messages = warning;
DROP EXTENSION mfa CASCADE;
DROP ROLE regress_mfa_app, regress_mfa_member, regress_mfa_distant, regress_mfa_none;
