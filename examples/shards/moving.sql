-- While partitions move: a code that the new place does not know is looked for in the old one. Run it in the
-- router as a superuser, after router.sql and, with the partitions as they were,
--
--   CREATE SERVER mfa_shards_before FOREIGN DATA WRAPPER plproxy OPTIONS (p0 'host=…', p1 'host=…');
--
-- and before you alter mfa_shards. When the codes of that time have expired, run router.sql again.
-- Request ids need none of this: they name the database that made them.
\set ON_ERROR_STOP on
BEGIN;

CREATE OR REPLACE FUNCTION mfa_local.check_now(
    request text, code text, purpose text,
    OUT verified boolean, OUT status text, OUT attempts_left integer, OUT retry_after interval
) LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards'; RUN ON mfa_local.mfa_shard(request); TARGET public.mfa_check;
$$;

CREATE OR REPLACE FUNCTION mfa_local.check_before(
    request text, code text, purpose text,
    OUT verified boolean, OUT status text, OUT attempts_left integer, OUT retry_after interval
) LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards_before'; RUN ON mfa_local.mfa_shard(request); TARGET public.mfa_check;
$$;

CREATE OR REPLACE FUNCTION public.mfa_check(
    request text, code text, purpose text DEFAULT '',
    OUT verified boolean, OUT status text, OUT attempts_left integer, OUT retry_after interval
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT * INTO verified, status, attempts_left, retry_after FROM mfa_local.check_now($1, $2, $3);
    IF status = 'not_found' THEN
        SELECT * INTO verified, status, attempts_left, retry_after FROM mfa_local.check_before($1, $2, $3);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION public.mfa_verify(request text, code text, purpose text DEFAULT '') RETURNS boolean
LANGUAGE sql AS $$
    SELECT verified FROM public.mfa_check($1, $2, $3);
$$;
REVOKE ALL ON FUNCTION mfa_local.check_now(text, text, text), mfa_local.check_before(text, text, text) FROM PUBLIC;

COMMIT;
