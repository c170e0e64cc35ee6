-- One live request per role, recipient and purpose: mfa_send while one is live sends the same code again,
-- unless there is a reason for a new one.
SET client_min_messages = warning;
CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http OPTIONS
    (url 'http://127.0.0.1:9/{code}', channels 'sms, voice');
CREATE SERVER second FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SET mfa.provider = 'gateway';
SET mfa.send_limit = '';
SELECT plan(44);

CREATE FUNCTION pg_temp.status(request text, purpose text DEFAULT '') RETURNS text LANGUAGE sql
    AS $$ SELECT status FROM mfa_check(request, '0000000', purpose) $$;
CREATE FUNCTION pg_temp.messages(id uuid) RETURNS text[] LANGUAGE sql
    AS $$ SELECT array_agg(concat_ws(' ', n, channel, provider) ORDER BY n) FROM mfa.message WHERE request = id $$;

-- The same request goes out again; its attempts and its expiry stand, whatever is asked for them.
SELECT mfa_send('+14155550101') AS id \gset
SELECT is(pg_temp.status(:'id'), 'wrong', 'a first send makes a request that is live');
SELECT expires_at, created_at, encode(code_hash, 'hex') AS code_hash, ctid FROM mfa.request WHERE id = :'id' \gset
SELECT is(mfa_send('+14155550101'), :'id', 'a second send answers the same id');
SELECT is(mfa_send('+1 (415) 555-0101', max_attempts => 20, valid_for => '1 d'), :'id',
    'so does one that asks for more attempts and a longer life');
SELECT is((attempts, max_attempts), (1, 3), 'which are not given') FROM mfa.request WHERE id = :'id';
SELECT is((expires_at, created_at), (:'expires_at'::timestamptz, :'created_at'::timestamptz),
    'times and all') FROM mfa.request WHERE id = :'id';
SELECT is(encode(code_hash, 'hex'), :'code_hash', 'the code is the same') FROM mfa.request WHERE id = :'id';
SELECT is(ctid, :'ctid'::tid, 'and the row has not moved') FROM mfa.request WHERE id = :'id';
SELECT is(count(*), 1::bigint, 'there is one request, not three') FROM mfa.request;
SELECT is(pg_temp.messages(:'id'), ARRAY['1 sms gateway', '2 sms gateway', '3 sms gateway'],
    'which has a message for each send');
SELECT is(mfa_send('+14155550101', 'voice', message => 'Call: {code}', locale => 'de'), :'id',
    'another channel, text and language are no reason for a new request');
SELECT is(mfa_send('+14155550101', provider => 'second'), :'id', 'nor is another provider');
SELECT is((pg_temp.messages(:'id'))[4:5], ARRAY['4 voice gateway', '5 sms second'], 'they are the message''s');

-- A resend that is rolled back is none.
BEGIN;
SELECT mfa_send('+14155550101') AS again \gset
ROLLBACK;
SELECT is(:'again'::text, :'id', 'a send in a transaction answers the same id');
SELECT is(cardinality(pg_temp.messages(:'id')), 5, 'and rolled back, sends nothing');

-- Other code options are a reason: the code could not be the same.
SELECT mfa_send('+14155550102') AS id \gset
SELECT mfa_send('+14155550102', code_length => 8) AS longer \gset
SELECT isnt(:'longer'::text, :'id', 'another length makes another request');
SELECT is(pg_temp.status(:'id'), 'superseded', 'which takes the place of the first');
SELECT is(pg_temp.status(:'longer'), 'wrong', 'and is live');
SELECT is(mfa_send('+14155550102', code_length => 8), :'longer', 'the same length again is the same request');
SELECT mfa_send('+14155550102', code_length => 8, allow_alphas => true) AS letters \gset
SELECT isnt(:'letters'::text, :'longer', 'letters make another request');
SELECT is(array_agg(state ORDER BY id), ARRAY['superseded', 'superseded', 'live'], 'one is live at a time')
FROM mfa.request WHERE id IN (:'id', :'longer', :'letters');

-- A superseded request holds no secret any more, and is past use.
SELECT is((code_hash, sealed), (NULL::bytea, NULL::bytea), 'what is superseded is erased')
FROM mfa.request WHERE id = :'id';
SELECT is(verified, false, 'and verifies nothing') FROM mfa_check(:'id', '');
SELECT is(attempts, 0, 'nor does it count') FROM mfa.request WHERE id = :'id';

-- The setting makes every send a new request.
SELECT mfa_send('+14155550103') AS id \gset
SET mfa.resend = 'new';
SELECT mfa_send('+14155550103') AS next \gset
RESET mfa.resend;
SELECT isnt(:'next'::text, :'id', 'with mfa.resend = new, each send makes a new request');
SELECT is(pg_temp.status(:'id'), 'superseded', 'in place of the one before');
SELECT is(mfa_send('+14155550103'), :'next', 'and with the default, the newer goes out again');

-- It is the sender's transaction that supersedes: rolled back, the old request lives on with its code.
BEGIN;
SET LOCAL mfa.resend = 'new';
SELECT mfa_send('+14155550103') AS third \gset
SELECT pg_temp.status(:'next') AS inside \gset
ROLLBACK;
SELECT is(:'inside'::text, 'superseded', 'a new request in a transaction supersedes the old one there');
SELECT is(pg_temp.status(:'next'), 'wrong', 'rolled back, the old one lives on');
SELECT is(pg_temp.status(:'third'), 'not_found', 'and the new one never was');
SELECT isnt((code_hash, sealed), (NULL::bytea, NULL::bytea), 'the old one has its code')
FROM mfa.request WHERE id = :'next';
BEGIN;
SAVEPOINT one;
SELECT mfa_send('+14155550103', code_length => 9) AS third \gset
ROLLBACK TO one;
SELECT mfa_send('+14155550103') AS fourth \gset
COMMIT;
SELECT is(:'fourth'::text, :'next', 'nor does a savepoint that is rolled back to supersede it');

-- With less than a third of its life left, a code is worth no second message.
SELECT mfa_send('+14155550104', valid_for => '30 s') AS early, mfa_send('+14155550105', valid_for => '6 s') AS late,
    mfa_send('+14155550106', valid_for => '1 s') AS over \gset
SELECT is(mfa_send('+14155550104'), :'early', 'a request with all of its life left goes out again');
DO $$ BEGIN PERFORM pg_sleep(4.5); END $$;
SELECT mfa_send('+14155550105') AS next \gset
SELECT is(mfa_send('+14155550104'), :'early', 'so does one with most of it left');
SELECT isnt(:'next'::text, :'late', 'with a quarter left, there is a new request');
SELECT is(state, 'superseded', 'which takes the place of the first') FROM mfa.request WHERE id = :'late';
SELECT is(expires_at - created_at, '10 min', 'and has the life of a new one') FROM mfa.request WHERE id = :'next';
SELECT isnt(mfa_send('+14155550106'), :'over', 'and so there is when one has expired');

-- What is not the same recipient, purpose and role is another request, and both are live.
SELECT mfa_send('+14155550107') AS id \gset
SELECT isnt(mfa_send('+14155550107', purpose => 'payment'), :'id', 'another purpose is another request');
SELECT isnt(mfa_send('+14155550108'), :'id', 'another recipient is');
CREATE ROLE pgtap_resend_app;
GRANT EXECUTE ON FUNCTION mfa_send TO pgtap_resend_app;
GRANT USAGE ON FOREIGN SERVER gateway TO pgtap_resend_app;
SET ROLE pgtap_resend_app;
SELECT mfa_send('+14155550107') AS of_app \gset
SELECT mfa_send('+14155550107') AS of_app_again \gset
RESET ROLE;
SELECT isnt(:'of_app'::text, :'id', 'another role''s is');
SELECT is(:'of_app_again'::text, :'of_app', 'which goes out again on its own');
SELECT is(mfa_send('+14155550107'), :'id', 'and so does ours');

-- However it came about, no two are live.
SELECT is_empty($$
    SELECT owner, recipient_hash, purpose FROM mfa.request WHERE state = 'live' AND expires_at > now()
    GROUP BY 1, 2, 3 HAVING count(*) > 1
$$, 'no role has two live requests of one recipient and purpose');
SELECT set_eq($$ SELECT count(*)::int FROM mfa.request WHERE state = 'live' AND expires_at > now() $$,
    $$ SELECT count(DISTINCT (owner, recipient_hash, purpose))::int FROM mfa.request
       WHERE state = 'live' AND expires_at > now() $$, 'as many are live as there are of these');

REVOKE ALL ON FUNCTION mfa_send FROM pgtap_resend_app;
REVOKE ALL ON FOREIGN SERVER gateway FROM pgtap_resend_app;
DROP ROLE pgtap_resend_app;
SELECT * FROM finish();
