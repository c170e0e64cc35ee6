# Many messages, each to a number of its own, so that what the application has committed, what is in
# mfa.message and what the gateway has accepted can be joined: what was lost, and why something came twice.
# For 013_endurance.pl and bench/endurance.
package MfaEndurance;

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);
use IPC::Run ();
use MfaTest;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
  prepare start_senders senders_are_busy waiting_messages end_something fault_some collect check_arrived
  account);

my $sessions = 4;

# The tables of this module, in the database: `sent` is filled in the transaction that sends, `arrived`
# from the gateway.
sub prepare
{
	my ($node, $database) = @_;
	sql($node, $database, q{
		CREATE SEQUENCE recipient CACHE 100;
		CREATE TABLE sent (n bigint NOT NULL, id uuid NOT NULL);
		CREATE TABLE arrived (seq bigint PRIMARY KEY, n bigint NOT NULL, sid text NOT NULL, at timestamptz NOT NULL, code text);
	});
	return;
}

sub _number { return "'+1415' || lpad(($_[0])::text, 7, '0')" }

# start_senders(NODE, DATABASE, messages => N (rounded up to whole batches) or seconds => N, …): sessions
# that send in batches, one transaction each; of every twenty, another one is rolled back. `valid_for` and
# `n`, the number of the recipient, are SQL expressions, the former over n; `rate` is in messages a second.
sub start_senders
{
	my ($node, $database, %option) = @_;
	my $batch = $option{batch} // 50;
	my $n = $option{n} // q{nextval('recipient')};
	my $valid_for = $option{valid_for} // q{interval '1 h'};
	my $send = sprintf q{INSERT INTO sent SELECT n, mfa_send(%s, valid_for => %s)
		FROM (SELECT %s AS n FROM generate_series(1, %d)) AS batch;}, _number('n'), $valid_for, $n, $batch;
	$send =~ s/\s+/ /g;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/send.sql';
	append_to_file($file, "\\set undo random(1, 20)\n\\if :undo = 1\nBEGIN;\n$send\nROLLBACK;\n\\endif\n$send\n");
	my @bound =
	  $option{seconds}
	  ? (-T => $option{seconds})
	  : (-t => int(($option{messages} + $sessions * $batch - 1) / ($sessions * $batch)));
	push @bound, -R => $option{rate} / $batch if $option{rate};
	my $senders = { out => '', err => '' };
	$senders->{harness} = IPC::Run::start(
		[ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', $sessions, '-j', 1, '-M', 'prepared', @bound,
			'-f', $file, $database ], '>', \$senders->{out}, '2>', \$senders->{err});
	return $senders;
}

# False once all has been sent; dies where that went wrong.
sub senders_are_busy
{
	my ($senders) = @_;
	return 0 unless $senders->{harness};
	$senders->{harness}->pump_nb;
	return 1 if $senders->{harness}->pumpable;
	my $harness = delete $senders->{harness};
	$harness->finish;
	die "pgbench: $senders->{err}\n" if $harness->result(0) != 0;
	return 0;
}

sub waiting_messages
{
	my ($node, $database) = @_;
	return sql($node, $database, q{SELECT count(*) FROM mfa.message WHERE state IN ('queued', 'sending')});
}

# Terminates the worker, or now and then the launcher; or the worker while it can't write down what it
# knows. `what` is one of worker, launcher, locked; by default, chance decides. Answers what it was, and ''
# where there was no such process.
sub end_something
{
	my ($node, $database, $what) = @_;
	my $chance = rand;
	$what //= $chance < 0.1 ? 'launcher' : $chance < 0.2 ? 'locked' : 'worker';
	my $terminate = sub {
		my ($type, $timeout) = @_;
		return sql($node, $database, qq{
			SET client_min_messages = error;
			SELECT count(pg_terminate_backend(pid, $timeout)) FROM pg_stat_activity
			WHERE backend_type = '$type' AND coalesce(datname, '$database') = '$database'});
	};
	return $terminate->('mfa launcher', 0) ? $what : '' if $what eq 'launcher';
	return $terminate->('mfa delivery worker', 0) ? $what : '' if $what eq 'worker';
	sql($node, $database, 'BEGIN; LOCK TABLE mfa.message IN SHARE ROW EXCLUSIVE MODE');
	my $ended = $terminate->('mfa delivery worker', 5000);
	sql($node, $database, 'COMMIT');
	return $ended ? $what : '';
}

# Answers that are late, so that a worker which is terminated leaves before them: to each number that ends
# in 77, which has its message all the same; and some to those that end in 33, which has not.
sub fault_some
{
	my ($gateway, $delay_ms, $times) = @_;
	$gateway->faults(
		{ match => { to => '*77' }, action => { delay_ms => $delay_ms } },
		{ match => { to => '*33' }, action => { delay_ms => $delay_ms, status => 503 }, times => $times });
	return;
}

# Takes over what the gateway has accepted since the last time; answers how much. It keeps the last 200,000.
sub collect
{
	my ($gateway, $node, $database) = @_;
	my $page = 10_000;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/page.json';
	my $all = 0;
	my $rows;
	do
	{
		my $since = sql($node, $database, 'SELECT coalesce(max(seq), 0) FROM arrived');
		$gateway->save("messages?since=$since&limit=$page", $file);
		$rows = sql($node, $database, qq{
			WITH page AS (
				INSERT INTO arrived
				SELECT r.n, substr(r.to, 6)::bigint, r.sid, to_timestamp(r.received_at), substring(r.text FROM ': ([0-9]+)')
				FROM json_to_recordset(pg_read_file('$file')::json -> 'messages')
					AS r(n bigint, "to" text, sid text, received_at float8, text text)
				RETURNING 1)
			SELECT count(*) FROM page});
		$all += $rows;
	} while ($rows == $page);
	return $all;
}

# Presents codes for what has arrived behind number `since`: of four messages two right ones, one wrong one,
# none. `shift` makes it others that get it wrong. Answers how often mfa_check said what.
sub check_arrived
{
	my ($node, $database, $since, $shift) = @_;
	my $number = _number('n');
	my $said = sql($node, $database, qq{
		SELECT status, count(*)
		FROM (SELECT $number AS recipient, CASE WHEN (n + $shift) % 4 = 0 THEN 'guess' ELSE code END AS code
			FROM arrived WHERE seq > $since AND (n + $shift) % 4 < 3 ORDER BY n) AS shown,
			LATERAL mfa_check(shown.recipient, shown.code)
		GROUP BY 1 ORDER BY 1});
	return map { split /\|/ } split /\n/, $said;
}

# What became of everything in `sent`, as a hash of counts:
#   committed   messages that the application has committed
#   lost        of these, neither at the gateway nor ended with a reason
#   twice       at the gateway more than once: `by_unknown`, as tries whose outcome is unknown explain;
#               `by_lease`, as tries explain of which nothing could be written down; `unexplained`
#   undone      at the gateway, but rolled back
#   mistaken    `sent` with an id that the gateway gave to no message to that number
# and `states`, the lines of a table.
sub account
{
	my ($node, $database) = @_;
	sql($node, $database, q{
		SET client_min_messages = error;
		DROP TABLE IF EXISTS fate;
		CREATE TABLE fate AS
		SELECT s.n, s.id, m.state, m.tries, m.unknowns, m.error, m.message_id, coalesce(a.arrivals, 0) AS arrivals, a.sids
		FROM sent s LEFT JOIN mfa.message m ON m.request = s.id
			LEFT JOIN (SELECT n, count(*) AS arrivals, array_agg(sid) AS sids FROM arrived GROUP BY n) a ON a.n = s.n});
	my @names = qw(committed lost twice by_unknown by_lease unexplained mistaken undone);
	my %count;
	@count{@names} = split /\|/, sql($node, $database, q{
		SELECT count(*),
			count(*) FILTER (WHERE arrivals = 0 AND (state IN ('failed', 'dropped') AND error IS NOT NULL) IS NOT TRUE),
			count(*) FILTER (WHERE arrivals > 1),
			count(*) FILTER (WHERE arrivals > 1 AND arrivals <= certain + unknowns),
			count(*) FILTER (WHERE arrivals > 1 AND arrivals > certain + unknowns AND arrivals <= tries),
			count(*) FILTER (WHERE arrivals > 1 AND (arrivals <= tries) IS NOT TRUE),
			count(*) FILTER (WHERE state = 'sent' AND (message_id = ANY (sids)) IS NOT TRUE),
			(SELECT count(DISTINCT a.n) FROM arrived a WHERE NOT EXISTS (SELECT FROM sent s WHERE s.n = a.n))
		FROM (SELECT *, (state = 'sent')::int AS certain FROM fate) AS fate});
	$count{states} = [ map { [ split /\|/, $_, -1 ] } split /\n/, sql($node, $database, q{
		SELECT coalesce(state, 'no row'), coalesce(nullif(error, ''), '-'), count(*), count(*) FILTER (WHERE arrivals = 0),
			count(*) FILTER (WHERE arrivals = 1), count(*) FILTER (WHERE arrivals > 1), sum(tries), sum(unknowns)
		FROM fate GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2}) ];
	return \%count;
}

1;
