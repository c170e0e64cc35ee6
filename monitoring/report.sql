-- How mfa is doing, as text for a terminal of 100 columns: \i monitoring/report.sql
-- For the extension's owner, and for roles that have monitoring/grants.sql. Days are UTC's.

\echo
\echo 'DATABASE'
SELECT current_database() AS database, split_part(current_setting('server_version'), ' ', 1) AS server,
       current_setting('mfa.currency', true) AS currency,
       date_trunc('second', now()) AS now, date_trunc('second', stats_reset) AS "statistics since"
  FROM mfa.stat_send
\g (footer=off null=-)
\echo 'HEALTH'
SELECT name, status,
       rtrim(regexp_replace(concat_ws(' ', detail || '.', hint), '(.{1,60})( |$)', E'\\1\n', 'g'), E'\n') AS "what is found, and what to do"
  FROM mfa.health
 ORDER BY array_position(ARRAY['critical', 'warning', 'ok'], status), name
\g (footer=off null=-)

\echo 'LAST 14 DAYS'
SELECT coalesce(to_char(day, 'MM-DD'), 'all') AS day, sum(requests) AS requests, sum(verified) AS verified,
       round(100 * sum(verified) / nullif(sum(requests), 0)) AS "%", sum(messages) AS accepted,
       sum(delivered) AS delivered, sum(undelivered) AS "undeliv.", sum(failed) AS failed,
       sum(unknown) AS unknown, round(sum(cost), 2) AS cost
  FROM mfa.usage
 WHERE day > (now() AT TIME ZONE 'UTC')::date - 14
 GROUP BY ROLLUP (day)
HAVING count(*) > 0
 ORDER BY mfa.usage.day DESC NULLS LAST
\g (footer=off null=-)

\echo 'LAST 14 DAYS BY PROVIDER'
SELECT provider, channel, sum(requests) AS requests, sum(verified) AS verified,
       round(100 * sum(verified) / nullif(sum(requests), 0)) AS "%", sum(messages) AS accepted,
       sum(segments) AS segments, sum(failed) AS failed, round(sum(cost), 2) AS cost
  FROM mfa.usage
 WHERE day > (now() AT TIME ZONE 'UTC')::date - 14
 GROUP BY provider, channel
 ORDER BY sum(cost) DESC, provider, channel
\g (footer=off null=-)

\echo 'LAST 14 DAYS BY DESTINATION: THE TWENTY WITH MOST REQUESTS'
SELECT destination, sum(requests) AS requests, sum(verified) AS verified,
       round(100 * sum(verified) / nullif(sum(requests), 0)) AS "%", sum(messages) AS accepted,
       sum(failed) AS failed, round(sum(cost), 2) AS cost,
       round(sum(cost) / nullif(sum(verified), 0), 3) AS "cost per verified"
  FROM mfa.usage
 WHERE day > (now() AT TIME ZONE 'UTC')::date - 14
 GROUP BY destination
 ORDER BY sum(requests) DESC, destination
 LIMIT 20
\g (footer=off null=-)

\echo 'PROVIDERS'
SELECT provider, breaker AS state, accepted, retried, refused, unknown,
       to_char(last_failed_at, 'MM-DD HH24:MI') AS "last failure",
       rtrim(regexp_replace(last_error, '(.{1,20})( |$)', E'\\1\n', 'g'), E'\n') AS "last error"
  FROM mfa.stat_provider
 ORDER BY provider
\g (footer=off null=-)

\echo 'LATENCY IN ms, HALF / 90 % / 99 % OF ALL'
SELECT provider, channel,
       concat_ws(' / ', round(response_p50), round(response_p90), round(response_p99)) AS response,
       concat_ws(' / ', round(acceptance_p50), round(acceptance_p90), round(acceptance_p99)) AS acceptance,
       concat_ws(' / ', round(delivery_p50), round(delivery_p90), round(delivery_p99)) AS delivery
  FROM mfa.stat_delivery
 ORDER BY provider, channel
\g (footer=off null=-)

\echo 'WHAT WAITS'
SELECT provider, due, sending, later,
       date_trunc('second', clock_timestamp() - oldest_due_at) AS oldest,
       round(accepted_per_second::numeric, 1) AS "per second",
       date_trunc('second', time_left) AS "time left"
  FROM mfa.progress_drain
 ORDER BY provider
\g (footer=off null=-)

\echo 'CALLS OF mfa_send, AND WHAT WAS REFUSED'
SELECT sends, resends, refused_by_limit AS "send limit", refused_by_route AS route,
       refused_by_budget AS budget, refused_by_guard AS "fraud guard"
  FROM mfa.stat_send
\g (footer=off null=-)
\echo 'ANSWERS OF mfa_verify AND mfa_check'
SELECT verified, wrong, expired, used, exhausted, canceled, superseded, locked, not_found
  FROM mfa.stat_verify
\g (footer=off null=-)

\echo 'HELD PREFIXES'
SELECT prefix, reason, to_char(held_since, 'MM-DD HH24:MI') AS since,
       to_char(held_until, 'MM-DD HH24:MI') AS until, requests, verified,
       round(100 * usual_conversion) AS "usual %", refused
  FROM mfa.holds
 ORDER BY held_since DESC, prefix
\g (footer=off null=-)

\echo 'BUDGETS'
SELECT b.name, b.period, b.destination, b.amount, round(coalesce(sum(u.cost), 0), 2) AS spent,
       round(100 * coalesce(sum(u.cost), 0) / b.amount) AS "%"
  FROM mfa.budget b
  LEFT JOIN mfa.usage u ON u.day >= date_trunc(b.period, now() AT TIME ZONE 'UTC')::date
   AND starts_with(u.destination, b.destination)
 GROUP BY b.name, b.period, b.destination, b.amount
 ORDER BY 6 DESC, b.name
\g (footer=off null=-)
