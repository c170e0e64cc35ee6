# Processes and servers that end again and again, and with a thousand messages in flight (G12, G16).
#
# Without the launcher's restart by the postmaster (bgw_restart_time), "timed out waiting for a launcher".
# Where a worker that is told to leave writes nothing down, and the next one takes no lease over, "timed out
# waiting for all messages to be sent". With a worker that waits 5 s for answers then, "not ok - a fast one
# takes a second more, or so".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $many = 1000;
my $gateway = start_gateway();
my $node = start_cluster('main', 'mfa.max_in_flight' => 1024, 'mfa.unknown_retries' => 10);
make_database($node, 'shop', $gateway, max_connections => 1024, timeout => '60 s');

sub shop { return sql($node, 'shop', $_[0]) }

sub pid_of
{
	my ($type) = @_;
	return sql($node, 'postgres', "SELECT min(pid) FROM pg_stat_activity WHERE backend_type = 'mfa $type'");
}

# Sends that many messages in one transaction. Sessions that are kept know their server.
my $last_batch = 10;
sub send_many
{
	my ($count) = @_;
	my $batch = $last_batch++;
	shop("SELECT count(mfa_send('+14155$batch' || lpad(n::text, 4, '0'))) FROM generate_series(1, $count) n");
	return;
}

sub all_sent
{
	my ($name) = @_;
	my $states;
	wait_for(sub { ($states = shop("SELECT string_agg(DISTINCT state, ' ') FROM mfa.message")) eq 'sent' },
		'all messages to be sent', 60);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($states, 'sent', $name);
	return;
}

sub in_flight { return $gateway->call(GET => 'stats')->{in_flight} }

# The provider is well again before the server is.
sub stop_and_start
{
	my ($mode) = @_;
	forget_sessions($node);
	my $start = time;
	$node->stop($mode);
	my $took = time - $start;
	$gateway->faults;
	$node->start;
	return $took;
}

sub hang_many
{
	$gateway->fault('*', { hang => 'after_read' });
	send_many($many);
	wait_for(sub { in_flight() == $many }, "$many messages in flight");
	return;
}

subtest 'terminated, again and again' => sub {
	$gateway->fault('*', { delay_ms => 900 });
	my %terminated = ('launcher' => 0, 'delivery worker' => 0);
	for my $round (1 .. 24)
	{
		send_many(5);
		sleep 0.1 * ($round % 3);
		my $type = $round % 4 ? 'delivery worker' : 'launcher';
		my $pid = pid_of($type) || next;
		is(sql($node, 'postgres', "SELECT pg_terminate_backend($pid, 10000)"), 't', "$type $round goes") or last;
		$terminated{$type}++;
	}
	cmp_ok($terminated{$_}, '>', 2, "$terminated{$_} times $_") for sort keys %terminated;
	wait_for(sub { pid_of('launcher') }, 'a launcher');
	$gateway->faults;
	all_sent('all messages are sent');
	is(shop('SELECT count(*) FROM mfa.message'), 24 * 5, 'which are as many as there were');
	works($node, 'shop', $gateway, 'it goes on');
};

check_log($node, 'nothing else in the log', 0, qr/terminating background worker .* due to administrator command/);

for my $type ('launcher', 'delivery worker', 'launcher')
{
	subtest "$type killed" => sub {
		$gateway->fault('*', { hang => 'after_read' });
		send_many(3);
		wait_for(sub { pid_of('delivery worker') && in_flight() == 3 }, 'messages in flight');
		my $pid = pid_of($type);
		my $offset = -s $node->logfile;
		forget_sessions($node);
		kill 'KILL', $pid;
		$node->wait_for_log(qr/mfa \Q$type\E" \(PID $pid\) was terminated by signal 9/, $offset);
		wait_for(sub { $node->psql('shop', 'SELECT 1') == 0 }, 'the server to be back');
		is(shop('SELECT (SELECT count(*) FROM mfa.request) + (SELECT count(*) FROM mfa.message)'), 0,
			'... and the server restarts: no request, no message');
		$gateway->faults;
		works($node, 'shop', $gateway, 'it sends and verifies');
		ok(pid_of('launcher'), 'with a launcher');
	};
}

# What it takes besides: nothing in flight, as many rows in the tables.
subtest 'shutdown with a thousand in flight' => sub {
	send_many($many);
	all_sent('as many are delivered');
	wait_for_workers($node, 0);
	my $idle = stop_and_start('fast');

	hang_many();
	my $busy = stop_and_start('fast');
	note sprintf 'fast shutdown: %.2f s, with %d messages in flight %.2f s', $idle, $many, $busy;
	cmp_ok($busy - $idle, '<', 1.5, 'a fast one takes a second more, or so');
	all_sent('after it, all are delivered');
	is(shop("SELECT count(*) FROM mfa.message WHERE state = 'sent' AND tries > 1"), $many, '... at the second try');

	hang_many();
	my $immediate = stop_and_start('immediate');
	note sprintf 'immediate shutdown: %.2f s', $immediate;
	cmp_ok($immediate, '<', 5, 'an immediate one goes');
	is(shop('SELECT (SELECT count(*) FROM mfa.request) + (SELECT count(*) FROM mfa.message)'), 0,
		'after it: no request, no message');
	works($node, 'shop', $gateway, 'it sends and verifies');
};

done_testing();
