-- The numbers by which a router finds the database of a request: of an id mfa.shard, of a recipient a hash.
SELECT plan(19);

CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}', channels 'sms, email');
SET mfa.provider = 'gateway';
SET mfa.send_limit = '';

SELECT is(current_setting('mfa.shard'), '-1', 'by default a database is no shard');
SELECT cmp_ok(count(DISTINCT mfa_shard(mfa_send('+1415555' || n)))::int, '>', 1, 'and its ids have random bits there')
FROM generate_series(1000, 1019) AS n;
SET mfa.shard = 0;
SELECT is(mfa_shard(mfa_send('+14155550120')), 0, 'the first one''s number is in its ids');
SET mfa.shard = 4095;
CREATE TEMP TABLE made AS SELECT mfa_send('+14155550121') AS id;
SELECT is(mfa_shard(id), 4095, 'and the largest') FROM made;
SELECT is(substring(id::text, 15, 1) || substring(id::text, 20, 1) ~ '^7[89ab]$', true, 'which are UUIDs of version 7')
FROM made;
SELECT is(mfa_shard(form), 4095, 'read from text')
FROM made, unnest(ARRAY[id::text, upper(id::text), '{' || id || '}', replace(id::text, '-', '')]) AS form;
SELECT is(mfa_send('+14155550121'), id, 'another send of the same code has the same id') FROM made;
SELECT is((mfa_check(id, '0000000')).status, 'wrong', 'that is verified like any other') FROM made;
RESET mfa.shard;
SELECT is((mfa_check(id::text, '0000000')).status, 'wrong', 'whatever the setting is by then') FROM made;

-- printf %s +14155550123 | sha256sum
SELECT is(mfa_shard(form), x'36a'::int, 'a number is hashed in its normal form')
FROM unnest(ARRAY['+14155550123', '+1 (415) 555-0123', '0014155550123']) AS form;
SELECT is(mfa_shard('Someone@Example.com'), x'724'::int, 'and so is an address');
SELECT is(mfa_shard(other), 0, 'what is neither has a place, too') FROM unnest(ARRAY['4155550123', NULL]) AS other;
SELECT is(mfa_shard(NULL::uuid), 0, 'and so has no id');

SELECT * FROM finish();
