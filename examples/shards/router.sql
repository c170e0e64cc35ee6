-- The functions of mfa in a router: a database whose PL/Proxy sends each call to the database that has the
-- recipient, or that made the request id. Run it as a superuser, as often as you like, after
--
--   CREATE EXTENSION plproxy;
--   CREATE SCHEMA mfa_local;
--   CREATE EXTENSION mfa SCHEMA mfa_local;     -- for mfa_shard
--   CREATE SERVER mfa_shards FOREIGN DATA WRAPPER plproxy OPTIONS (p0 'host=…', p1 'host=…');
--
-- Names, parameters and results are those of the extension, which is in schema public of the others.
\set ON_ERROR_STOP on
BEGIN;

CREATE OR REPLACE FUNCTION public.mfa_send(
    recipient text,
    channel text DEFAULT 'sms',
    purpose text DEFAULT '',
    message text DEFAULT NULL,
    locale text DEFAULT NULL,
    sender text DEFAULT NULL,
    code_length integer DEFAULT NULL,
    allow_alphas boolean DEFAULT NULL,
    valid_for interval DEFAULT NULL,
    max_attempts integer DEFAULT NULL,
    provider name DEFAULT NULL
) RETURNS uuid LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards'; RUN ON mfa_local.mfa_shard(recipient);
$$;

CREATE OR REPLACE FUNCTION public.mfa_verify(request text, code text, purpose text DEFAULT '') RETURNS boolean
LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards'; RUN ON mfa_local.mfa_shard(request);
$$;

CREATE OR REPLACE FUNCTION public.mfa_verify(request uuid, code text, purpose text DEFAULT '') RETURNS boolean
LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards'; RUN ON mfa_local.mfa_shard(request);
$$;

CREATE OR REPLACE FUNCTION public.mfa_check(
    request text, code text, purpose text DEFAULT '',
    OUT verified boolean, OUT status text, OUT attempts_left integer, OUT retry_after interval
) LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards'; RUN ON mfa_local.mfa_shard(request);
$$;

CREATE OR REPLACE FUNCTION public.mfa_check(
    request uuid, code text, purpose text DEFAULT '',
    OUT verified boolean, OUT status text, OUT attempts_left integer, OUT retry_after interval
) LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards'; RUN ON mfa_local.mfa_shard(request);
$$;

CREATE OR REPLACE FUNCTION public.mfa_resend(request uuid, channel text DEFAULT NULL) RETURNS void
LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards'; RUN ON mfa_local.mfa_shard(request);
$$;

CREATE OR REPLACE FUNCTION public.mfa_cancel(request uuid) RETURNS boolean LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards'; RUN ON mfa_local.mfa_shard(request);
$$;

CREATE OR REPLACE FUNCTION public.mfa_status(
    request uuid,
    OUT recipient text, OUT state text, OUT channel text, OUT provider text, OUT delivery text, OUT error text,
    OUT attempts_left integer, OUT sends integer,
    OUT created_at timestamptz, OUT expires_at timestamptz, OUT ended_at timestamptz
) LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards'; RUN ON mfa_local.mfa_shard(request);
$$;

-- A provider's id of a message tells no shard: all are asked, and one of them has it.
CREATE OR REPLACE FUNCTION mfa_local.delivery_reports(provider name, message_id text, status text, error text)
RETURNS SETOF boolean LANGUAGE plproxy AS $$
    CLUSTER 'mfa_shards'; RUN ON ALL; TARGET public.mfa_delivery_report;
$$;

CREATE OR REPLACE FUNCTION public.mfa_delivery_report(
    provider name, message_id text, status text, error text DEFAULT NULL
) RETURNS boolean LANGUAGE sql AS $$
    SELECT bool_or(known) FROM mfa_local.delivery_reports($1, $2, $3, $4) AS known;
$$;

-- What the extension does not grant, the router does not grant either.
SELECT pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', p.oid::pg_catalog.regprocedure)
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE (l.lanname = 'plproxy' OR p.oid = 'public.mfa_delivery_report'::pg_catalog.regproc)
    AND p.pronamespace IN ('public'::pg_catalog.regnamespace, 'mfa_local'::pg_catalog.regnamespace)
\gexec

COMMIT;
