-- Grants a role what the dashboard and the report read, and nothing else. As the owner of the extension:
--
--   psql -d shop -v role=monitor -f monitoring/grants.sql
--
-- Again after each DROP EXTENSION. EXECUTE: functions in a view run with the rights of whoever asks.

\if :{?role}
\else
    \warn 'grants.sql: whom to grant to? -v role=NAME'
    \quit
\endif

BEGIN;
GRANT USAGE ON SCHEMA mfa TO :"role";
GRANT SELECT ON mfa.health, mfa.usage, mfa.budget, mfa.holds, mfa.progress_drain,
    mfa.stat_send, mfa.stat_verify, mfa.stat_provider, mfa.stat_delivery TO :"role";
GRANT EXECUTE ON FUNCTION mfa.list_health, mfa.list_holds, mfa.list_calls, mfa.list_tries TO :"role";
COMMIT;
