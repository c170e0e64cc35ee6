# The modes of bench/endurance, which starts this with a server to test in PATH.
use strict;
use warnings FATAL => 'all';

use List::Util qw(max);
use MfaEndurance;
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More ();
use Time::HiRes qw(sleep time);

my ($mode, $size, $outage) = @ARGV;
my $settle_timeout = 1800;
my $failed = 0;
my ($gateway, $node, $started);

# PostgreSQL::Test::Utils has taken STDOUT away.
sub say_line { print { Test::More->builder->output } @_, "\n"; return }

sub shop { return sql($node, 'shop', $_[0]) }

sub set_up
{
	my (%settings) = @_;
	$gateway = start_gateway('max-seconds' => 7200);
	$node = start_cluster('endurance', %settings);
	make_database($node, 'shop', $gateway);
	prepare($node, 'shop');
	$started = time;
	return;
}

sub expect
{
	my ($what, $is, $wanted) = @_;
	my $good = $is <= $wanted;
	$failed = 1 unless $good;
	say_line sprintf '%-60s %10s%s', $what, $is, $good ? '' : "   NOT AS IT MUST BE: at most $wanted";
	return;
}

sub show { return say_line sprintf '%-60s %10s', @_ }

# Columns to the right, but for the last one.
sub table
{
	my ($widths, @rows) = @_;
	say_line join ' ', map { my $w = $widths->[$_]; $w ? sprintf "%${w}s", $rows[0][$_] : $rows[0][$_] } 0 .. $#{ $rows[0] };
	shift @rows;
	table($widths, @rows) if @rows;
	return;
}

sub print_states
{
	my ($count) = @_;
	say_line '';
	table([ 8, 9, 9, 9, 9, 9, 9, 0 ],
		[ 'state', 'messages', 'arrived:0', 'once', 'more', 'tries', 'unknowns', 'error' ],
		map { [ @$_[ 0, 2 .. 7 ], $_->[1] ] } @{ $count->{states} });
	say_line '';
	return;
}

sub print_account
{
	my ($count) = @_;
	show('committed', $count->{committed});
	expect('lost: no message at the provider, and no reason', $count->{lost}, 0);
	show('arrived more than once', $count->{twice});
	show('  of these, because of tries with an unknown outcome', $count->{by_unknown});
	show('  of these, because an outcome could not be written down', $count->{by_lease});
	expect('  of these, without such a reason', $count->{unexplained}, 0);
	expect('recorded as sent with an id that the provider does not know', $count->{mistaken}, 0);
	expect('arrived, but rolled back', $count->{undone}, 0);
	return;
}

# --- kills ----------------------------------------------------------------------------------------

sub kills
{
	my $messages = $size // 100_000;
	set_up();
	my %ended = map { $_ => 0 } qw(worker launcher locked);
	fault_some($gateway, 1500, $messages / 100);
	my $senders = start_senders($node, 'shop', messages => $messages);
	my $sent_at;
	my $busy = 1;
	while ($busy && time - $started < $settle_timeout)
	{
		sleep 0.2 + rand 1.8;
		my $what = end_something($node, 'shop');
		$ended{$what}++ if $what;
		my $sending = senders_are_busy($senders);
		$sent_at //= time unless $sending;
		$busy = $sending || waiting_messages($node, 'shop') > 0;
	}
	my $seconds = time - $started;
	my $left = waiting_messages($node, 'shop');
	collect($gateway, $node, 'shop');
	my $count = account($node, 'shop');

	say_line sprintf 'kills: %d messages committed in %.0f s, settled after %.0f s (%.0f a second)', $count->{committed},
	  $sent_at - $started, $seconds, $count->{committed} / $seconds;
	say_line '';
	show('workers terminated', $ended{worker});
	show('workers terminated that could not write down the outcome', $ended{locked});
	show('launchers terminated', $ended{launcher});
	expect('still queued or sending', $left, 0);
	print_account($count);
	print_states($count);
	killed();
	return;
}

# A killed worker takes the server along, which starts again with empty unlogged tables.
sub killed
{
	my $messages = 2000;
	$gateway->call(DELETE => 'messages');
	shop('TRUNCATE sent, arrived');
	$gateway->fault('*', { delay_ms => 300 });
	my $senders = start_senders($node, 'shop', messages => $messages);
	wait_for(sub { !senders_are_busy($senders) }, 'all to be committed', 120);
	wait_for(sub { $gateway->call(GET => 'stats')->{in_flight} > 0 }, 'messages in flight');
	my ($pid) = worker_pids($node, 'shop');
	my $waiting = waiting_messages($node, 'shop');
	forget_sessions($node);
	kill 'KILL', $pid;
	$node->wait_for_log(qr/delivery worker.*terminated by signal 9/);
	wait_for(sub { $node->psql('shop', 'SELECT 1') == 0 }, 'the server to be back', 60);
	$gateway->faults;
	collect($gateway, $node, 'shop');
	my $before = shop('SELECT count(DISTINCT n) FROM arrived');
	say_line 'a worker is killed (kill -9): the server starts again, unlogged tables are empty, as README says';
	say_line '';
	show('committed before', shop('SELECT count(*) FROM sent'));
	show('  of these, queued or sending when it was killed', $waiting);
	show('  of these, at the provider', $before);
	expect('rows of mfa.message afterwards', shop('SELECT count(*) FROM mfa.message'), 0);
	shop('CREATE TABLE old AS SELECT n FROM sent; TRUNCATE sent');
	$senders = start_senders($node, 'shop', messages => $messages);
	wait_for(sub { !senders_are_busy($senders) }, 'all to be committed', 120);
	wait_for(sub { waiting_messages($node, 'shop') == 0 }, 'all to be sent', 120);
	collect($gateway, $node, 'shop');
	expect('of those committed before, arrived afterwards',
		shop('SELECT count(DISTINCT n) FROM arrived JOIN old USING (n)') - $before, 0);
	shop('DELETE FROM arrived a USING old WHERE a.n = old.n');
	my $count = account($node, 'shop');
	show('committed afterwards', $count->{committed});
	expect('  of these, lost', $count->{lost}, 0);
	expect('  of these, arrived more than once', $count->{twice}, 0);
	return;
}

# --- soak -----------------------------------------------------------------------------------------

# Kilobytes in memory, of its own and with the shared memory that it has touched.
sub memory
{
	my ($pid) = @_;
	my $status = $pid ? eval { slurp_file("/proc/$pid/status") } // '' : '';
	my ($all) = $status =~ /^VmRSS:\s+(\d+)/m;
	my ($own) = $status =~ /^RssAnon:\s+(\d+)/m;
	return ($own // 0, $all // 0);
}

sub sockets
{
	my ($pid) = @_;
	return scalar grep { (readlink // '') =~ /^socket:/ } $pid ? glob "/proc/$pid/fd/*" : ();
}

my @soak_columns = (
	(map { ("$_ rows", "$_ dead", "$_ kB", "$_ idx kB") } qw(request message failure)),
	'worker own kB', 'worker RSS kB', 'sockets', 'launcher own kB', 'launcher RSS kB');

sub sample
{
	my ($worker, $launcher) = split /\|/, sql($node, 'postgres', q{
		SELECT max(pid) FILTER (WHERE backend_type = 'mfa delivery worker'), max(pid) FILTER (WHERE backend_type = 'mfa launcher')
		FROM pg_stat_activity});
	my @tables = map { split /\|/, shop(qq{
		SELECT (SELECT count(*) FROM mfa.$_), pg_stat_get_dead_tuples('mfa.$_'::regclass),
			pg_table_size('mfa.$_') / 1024, pg_indexes_size('mfa.$_') / 1024}) } qw(request message failure);
	return ($worker, [ @tables, memory($worker), sockets($worker), memory($launcher) ]);
}

sub soak
{
	my $minutes = $size // 10;
	# Each person has a code every 30 s. A page of an index of mfa.failure can be used again when the last of
	# some hundred wrong codes on it is forgotten, by that person's right one: that takes ten minutes.
	my ($rate, $people) = (100, 3000);
	set_up('mfa.retention' => '1min');
	my $senders = start_senders($node, 'shop', seconds => 60 * $minutes, rate => $rate, batch => 1,
		n => "1 + floor(random() * $people)::int",
		valid_for => q{(ARRAY['5 s', '10 s', '20 s', '30 s'])[1 + n % 4]::interval});
	my $log = -s $node->logfile;
	my (@samples, %said, %workers);
	my ($since, $shift, $next, @lines) = (0, 0, $started + 10, 0);
	say_line "soak: $rate messages a second to $people people for $minutes minutes; valid for 5 to 30 s, kept for 60 s";
	say_line '';
	say_line 'columns: s, messages arrived, verified, wrong; of request, message, failure: rows, dead, kB, kB of indexes;';
	say_line 'of the worker: own kB, RSS kB, sockets; of the launcher: own kB, RSS kB; workers so far, log lines so far';
	my @widths = (4, 6, 6, 6, (6, 6, 6, 6) x 2, 5, 5, 5, 5, 6, 6, 3, 6, 6, 3, 3);
	while (senders_are_busy($senders))
	{
		sleep 1;
		my $before = $since;
		collect($gateway, $node, 'shop');
		my %now = check_arrived($node, 'shop', $before, $shift++);
		$said{$_} += $now{$_} for keys %now;
		$since = shop('SELECT coalesce(max(seq), 0) FROM arrived');
		next if time < $next;
		$next += 10;
		my ($worker, $sample) = sample();
		$workers{$worker}++ if $worker;
		push @samples, $sample;
		push @lines, scalar(() = substr(slurp_file($node->logfile), $log) =~ /\n/g);
		table(\@widths, [ sprintf('%.0f', time - $started), $since, $said{verified} // 0, $said{wrong} // 0,
			@$sample, scalar keys %workers, $lines[-1] ]);
	}
	wait_for(sub { waiting_messages($node, 'shop') == 0 }, 'the last messages', 60);
	collect($gateway, $node, 'shop');

	say_line '';
	my ($sent, $arrived) = split /\|/, shop('SELECT (SELECT count(*) FROM sent), (SELECT count(*) FROM arrived)');
	show('committed', $sent);
	show('arrived', $arrived);
	show("mfa_check said $_", $said{$_}) for sort keys %said;
	say_line '';
	my $third = int @samples / 3;
	return if $third < 1;
	my $judge = sub {
		my ($name, $middle, $last, $more) = @_;
		my $ratio = $middle ? $last / $middle : $last ? 9 : 1;
		my $good = $ratio <= 1.1 || $last - $middle <= ($more // 0);
		my $early = $minutes < 20 && $name eq 'failure idx kB';
		$failed = 1 unless $good || $early;
		table([ 20, 12, 12, 8, 0 ], [ $name, $middle, $last, sprintf('%.2f', $ratio),
			$good ? 'plateau' : $early ? 'GROWS, but 20 minutes are needed to tell' : 'GROWS' ]);
	};
	table([ 20, 12, 12, 8 ], [ 'maximum', 'middle third', 'last third', 'ratio' ]);
	for my $column (0 .. $#soak_columns)
	{
		my @most = map { my $from = $_ * $third; max map { $_->[$column] } @samples[ $from .. $from + $third - 1 ] } 1, 2;
		# Dead rows grow between two vacuums: as much as in ten seconds may be due to when the samples were taken.
		$judge->($soak_columns[$column], @most, $soak_columns[$column] =~ /dead/ ? 10 * $rate / 4 : 0);
	}
	# Those of a checkpoint, which are the server's own, come each five minutes.
	$judge->('new log lines', $lines[ 2 * $third ] - $lines[$third], $lines[ 3 * $third ] - $lines[ 2 * $third ], 4);
	return;
}

# --- drain ----------------------------------------------------------------------------------------

sub drain
{
	my $messages = $size // 100_000;
	$outage //= '503';
	set_up();
	my $port = $gateway->{port};
	if ($outage eq '503') { $gateway->fault('*', { status => 503 }) }
	else { $gateway->stop }

	# A third expires while the provider is down, a third later or while the queue drains, a third much later.
	my $short = 20;
	my $senders = start_senders($node, 'shop', messages => $messages,
		valid_for => qq{CASE n % 3 WHEN 0 THEN interval '$short s' WHEN 1 THEN (60 + n % 180) * interval '1 s' ELSE interval '1 h' END});
	my ($before, $peak, $down_until) = (0, 0);
	my $dead = sub { return $outage eq '503' ? $gateway->call(GET => 'stats')->{faulted} : 0 };
	my $second = sub {
		sleep 1;
		my $now = $dead->();
		$peak = max($peak, $now - $before);
		$before = $now;
	};
	$second->() while senders_are_busy($senders);
	my $queued_after = time - $started;
	$down_until = time + $short + 5;
	$second->() while time < $down_until;
	my $tries = shop('SELECT sum(tries) FROM mfa.message');
	my $reached = $dead->();
	my $ended = shop(q{SELECT count(*) FROM mfa.message WHERE state NOT IN ('queued', 'sending')});
	my $back = time;
	my $back_at = shop('SELECT clock_timestamp()');
	if ($outage eq '503') { $gateway->call(DELETE => 'messages') }
	else { $gateway = start_gateway(port => $port, 'max-seconds' => 7200) }
	$gateway->fault('*', { delay_ms => 20 });

	say_line sprintf 'drain: %d messages queued in %.0f s, provider down (%s) for %.0f s', shop('SELECT count(*) FROM sent'),
	  $queued_after, $outage, $back - $started;
	say_line '';
	show('tries while it was down', $tries);
	show('  a second', sprintf '%.0f', $tries / ($back - $started));
	show('requests that reached it', $reached) if $outage eq '503';
	show('  a second, at most', $peak) if $outage eq '503';
	show('ended while it was down', $ended);
	say_line '';
	table([ 12, 12, 12, 12 ], [ 's after', 'arrived', 'waiting', 'in flight' ]);
	my $left = 1;
	for (my $i = 0; $left && time - $back < $settle_timeout; $i++)
	{
		sleep 1;
		$left = waiting_messages($node, 'shop');
		next if $i % 5 && $left;
		my $stats = $gateway->call(GET => 'stats');
		table([ 12, 12, 12, 12 ], [ sprintf('%.0f', time - $back), @$stats{qw(accepted)}, $left, $stats->{in_flight} ]);
	}
	my $took = time - $back;
	my $stats = $gateway->call(GET => 'stats');
	collect($gateway, $node, 'shop');
	my $count = account($node, 'shop');
	print_states($count);
	expect('still queued or sending', $left, 0);
	show('s to drain', sprintf '%.1f', $took);
	show('messages a second', sprintf '%.0f', $stats->{accepted} / $took);
	expect('in flight at the provider, at most (max_connections is 64)', $stats->{in_flight_max}, 64);
	my $came = 'FROM arrived a JOIN fate f USING (n) JOIN mfa.request r ON r.id = f.id';
	my ($late, $later, $lateness, $by_creation, $by_expiry) = split /\|/, shop(qq{
		SELECT count(*) FILTER (WHERE at > expires_at), count(*) FILTER (WHERE at > expires_at + interval '1 s'),
			coalesce(round(extract(epoch FROM max(at - expires_at) FILTER (WHERE at > expires_at)) * 1000), 0),
			round(corr(arrival, creation)::numeric, 3), round(corr(arrival, expiry)::numeric, 3)
		FROM (SELECT a.at, r.expires_at, rank() OVER (ORDER BY a.seq) AS arrival, rank() OVER (ORDER BY r.created_at) AS creation,
			rank() OVER (ORDER BY r.expires_at) AS expiry $came) AS came});
	show('expired on their way to the provider', $late);
	show('  latest, ms', $lateness) if $late;
	expect('arrived more than a second after they had expired', $later, 0);
	expect('of those that expired while it was down, arrived',
		shop("SELECT count(*) $came WHERE r.expires_at <= '$back_at'"), 0);
	show('expired while the queue drained, not sent', shop(qq{
		SELECT count(*) FROM fate f JOIN mfa.request r ON r.id = f.id
		WHERE f.arrivals = 0 AND r.expires_at > '$back_at'}));
	show('order of arrival and of creation, rank correlation', $by_creation);
	show('order of arrival and of expiry, rank correlation', $by_expiry);
	print_account($count);
	return;
}

{ kills => \&kills, soak => \&soak, drain => \&drain }->{$mode}->();
forget_sessions($node);
$node->stop;
$gateway->stop;
exit $failed;
