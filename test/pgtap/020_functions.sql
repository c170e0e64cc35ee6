-- The functions: names, parameters, results and properties are the interface that applications call.
SELECT plan(99);

-- Signatures, with names and defaults.
CREATE TEMP TABLE interface (function regprocedure, arguments text, result text);
INSERT INTO interface VALUES
    ('mfa_send(text, text, text, text, text, text, integer, boolean, interval, integer, name)',
     'recipient text, channel text DEFAULT ''sms''::text, purpose text DEFAULT ''''::text,'
     ' message text DEFAULT NULL::text, locale text DEFAULT NULL::text, sender text DEFAULT NULL::text,'
     ' code_length integer DEFAULT NULL::integer, allow_alphas boolean DEFAULT NULL::boolean,'
     ' valid_for interval DEFAULT NULL::interval, max_attempts integer DEFAULT NULL::integer,'
     ' provider name DEFAULT NULL::name', 'uuid'),
    ('mfa_verify(text, text, text)',
     'request text, code text, purpose text DEFAULT ''''::text', 'boolean'),
    ('mfa_verify(uuid, text, text)',
     'request uuid, code text, purpose text DEFAULT ''''::text', 'boolean'),
    ('mfa_check(text, text, text)',
     'request text, code text, purpose text DEFAULT ''''::text, OUT verified boolean, OUT status text,'
     ' OUT attempts_left integer, OUT retry_after interval', 'record'),
    ('mfa_check(uuid, text, text)',
     'request uuid, code text, purpose text DEFAULT ''''::text, OUT verified boolean, OUT status text,'
     ' OUT attempts_left integer, OUT retry_after interval', 'record'),
    ('mfa_resend(uuid, text)', 'request uuid, channel text DEFAULT NULL::text', 'void'),
    ('mfa_delivery_report(name, text, text, text)',
        'provider name, message_id text, status text, error text DEFAULT NULL::text', 'boolean'),
    ('mfa_signature_valid(name, text, text, text)',
        'provider name, signature text, url text, body text DEFAULT ''''::text', 'boolean'),
    ('mfa_cancel(uuid)', 'request uuid', 'boolean'),
    ('mfa_status(uuid)',
     'request uuid, OUT recipient text, OUT state text, OUT channel text, OUT provider text,'
     ' OUT delivery text, OUT error text,'
     ' OUT attempts_left integer, OUT sends integer, OUT created_at timestamp with time zone,'
     ' OUT expires_at timestamp with time zone, OUT ended_at timestamp with time zone', 'record');
SELECT is(pg_get_function_arguments(function), arguments, function || ' has these parameters')
FROM interface;
SELECT is(pg_get_function_result(function), result, function || ' returns ' || result) FROM interface;

-- Every call does something, in the leader, with nulls too. None runs as anyone but its caller: who that
-- is decides which requests are its own.
SELECT is(provolatile, 'v', function || ' is volatile')
FROM interface JOIN pg_proc ON oid = function;
SELECT is(proparallel, 'u', function || ' is parallel unsafe')
FROM interface JOIN pg_proc ON oid = function;
SELECT is(proisstrict, false, function || ' is called with nulls')
FROM interface JOIN pg_proc ON oid = function;
SELECT is(prosecdef, false, function || ' is no security definer')
FROM interface JOIN pg_proc ON oid = function;
SELECT is(proretset, false, function || ' returns one row')
FROM interface JOIN pg_proc ON oid = function;
SELECT is(proleakproof, false, function || ' is not leakproof')
FROM interface JOIN pg_proc ON oid = function;
SELECT isnt(obj_description(function, 'pg_proc'), NULL, function || ' has a comment') FROM interface;

-- All functions of the extension, known here or not.
CREATE TEMP VIEW member AS
    SELECT p.* FROM pg_depend AS d JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
        AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'mfa');
SELECT set_has('SELECT oid::regprocedure FROM member', 'SELECT function FROM interface',
    'all of these belong to the extension');
SELECT is_empty($$ SELECT oid::regprocedure FROM member WHERE pronamespace <> 'public'::regnamespace
    AND proname ~ '^mfa_' $$, 'what users call is in the schema of CREATE EXTENSION');
SELECT is_empty($$
    SELECT oid::regprocedure FROM member, aclexplode(coalesce(proacl, acldefault('f', proowner)))
    WHERE grantee = 0
$$, 'none may be called by PUBLIC');
SELECT is_empty($$
    SELECT oid::regprocedure FROM member WHERE obj_description(oid, 'pg_proc') IS NULL
$$, 'each has a comment');

-- Overloads can't be mistaken for one another, and mfa_verify never answers null.
SELECT set_eq($$ SELECT count(*)::int FROM member WHERE proname = 'mfa_verify' $$, ARRAY[2],
    'mfa_verify has two forms');
SELECT set_eq($$ SELECT count(*)::int FROM member WHERE proname = 'mfa_check' $$, ARRAY[2],
    'and so has mfa_check');
SELECT lives_ok($$ SELECT mfa_verify('+14155550123', '0000000') $$, 'untyped literals find one of them');
SELECT is(mfa_verify(NULL, NULL), false, 'for nulls it answers false');
SELECT is(mfa_verify(NULL::uuid, NULL, NULL), false, 'for a null uuid too');

SELECT * FROM finish();
