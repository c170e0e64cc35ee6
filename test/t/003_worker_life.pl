# The life of launcher and delivery workers: on demand, short, and back whatever ends them; and messages
# that outlive them (G12), but not a crash.
#
# Without the take-over of leases, the message of a worker that could write nothing down does not come:
# seen as a timeout of "the next one takes it over". Without a bound to the wait for answers of a worker
# that is told to leave, or without its look at the request to shut down (G16), "a worker is terminated"
# fails: it does not go within 10 s.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $gateway = start_gateway();
my $node = start_cluster('main');
make_database($node, 'shop', $gateway);

sub shop { return sql($node, 'shop', $_[0]) }

sub send_new
{
	my ($database) = @_;
	my $to = new_number();
	return ($to, send_code($node, $database // 'shop', $to));
}

# Sends `count` messages to a provider that hangs; returns their numbers once all are in flight there.
sub hang_in_flight
{
	my ($count) = @_;
	$gateway->fault('*', { hang => 'after_read' });
	my @to = map { new_number() } 1 .. $count;
	shop(join ';', map { "SELECT mfa_send('$_')" } @to);
	wait_for(sub { $gateway->call(GET => 'stats')->{in_flight} == $count }, "$count messages in flight");
	return @to;
}

sub launcher_pid
{
	return sql($node, 'postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'mfa launcher'");
}

sub restart
{
	my ($mode) = @_;
	forget_sessions($node);
	my $start = time;
	$node->stop($mode);
	my $took = time - $start;
	$node->start;
	return $took;
}

subtest 'on demand' => sub {
	wait_for_workers($node, 0);
	my ($to) = send_new();
	$gateway->message_for($to);
	my $start = time;
	is(scalar worker_pids($node, 'shop'), 1, 'one worker after a commit');
	my ($pid) = worker_pids($node, 'shop');
	my ($again) = send_new();
	$gateway->message_for($again);
	is_deeply([ worker_pids($node, 'shop') ], [$pid], 'which takes what comes while it is there');
	wait_for_workers($node, 0);
	cmp_ok(time - $start, '<', 5, 'and leaves soon after the last');
	is(scalar grep({ $_->{channel} eq 'sms' } $gateway->messages), 2, 'each delivered once');
	shop("SELECT mfa_send('" . new_number() . "') WHERE false");
	is(scalar worker_pids($node), 0, 'no send, no worker');
	works($node, 'shop', $gateway, 'and comes back');
};

subtest 'several databases' => sub {
	$node->safe_psql('postgres', 'CREATE DATABASE plain');
	make_database($node, 'second', $gateway);    # without a restart of the server
	my %to = map { $_ => (send_new($_))[0] } qw(shop second);
	ok($gateway->code_for($to{$_}), "$_: delivered") for sort keys %to;
	is(sql($node, 'plain', "SELECT count(*) FROM pg_namespace WHERE nspname = 'mfa'"), 0,
		'a database without the extension has nothing of it');
};

subtest 'restart of the server' => sub {
	$gateway->fault('*', { status => 503 });
	my ($to, $id) = send_new();
	my ($second_to) = send_new('second');
	my $row = wait_for_state($node, 'shop', $id, 'queued');
	wait_for(sub { message_row($node, 'shop', $id)->{tries} > 0 }, 'a try');
	restart('fast');
	$gateway->faults;
	ok($gateway->code_for($_), 'what was queued is delivered') for $to, $second_to;
	wait_for_state($node, 'shop', $id, 'sent');
	wait_for_workers($node, 0, 'plain');
	$node->safe_psql('postgres', 'DROP DATABASE plain');
};

subtest 'nothing to do' => sub {
	# Each start of a worker is a line, at this level.
	sql($node, 'postgres', "ALTER SYSTEM SET log_min_messages = 'debug1'");
	sql($node, 'postgres', 'SELECT pg_reload_conf()');
	$node->wait_for_log(qr/parameter "log_min_messages" changed/);
	wait_for_workers($node, 0);
	my $offset = -s $node->logfile;
	sleep 2;
	my $log = substr slurp_file($node->logfile), $offset;
	is(scalar(() = $log =~ /starting background worker process "mfa delivery/g), 0,
		'no worker is started, with or without the extension in a database');
	sql($node, 'postgres', 'ALTER SYSTEM RESET log_min_messages');
	sql($node, 'postgres', 'SELECT pg_reload_conf()');
};

check_log($node, 'nothing in the log to worry about, so far');

subtest 'a worker is terminated' => sub {
	my ($to) = hang_in_flight(1);
	my ($pid) = worker_pids($node, 'shop');
	is(sql($node, 'postgres', "SELECT pg_terminate_backend($pid, 10000)"), 't', 'it goes, in spite of a hanging provider');
	$gateway->faults;
	ok($gateway->code_for($to), 'its message is delivered');
	works($node, 'shop', $gateway, 'others too');
};

# Its last words need the table, and don't wait for it: the message stays with a lease of two minutes.
subtest 'a worker is terminated, and can write nothing down' => sub {
	my ($to) = hang_in_flight(1);
	my ($pid) = worker_pids($node, 'shop');
	shop('BEGIN; LOCK TABLE mfa.message');
	is(sql($node, 'postgres', "SELECT pg_terminate_backend($pid, 10000)"), 't', 'it goes');
	is(shop("SELECT count(*) FROM mfa.message WHERE state = 'sending' AND due_at > clock_timestamp() + interval '1 min'"),
		1, 'its message is leased');
	$gateway->faults;
	shop('COMMIT');
	ok($gateway->code_for($to), 'the next one takes it over');
};

subtest 'the launcher is terminated' => sub {
	my $pid = launcher_pid();
	wait_for_workers($node, 0);
	is(sql($node, 'postgres', "SELECT pg_terminate_backend($pid, 10000)"), 't', 'it goes');
	works($node, 'shop', $gateway, 'what is sent meanwhile is delivered');
	my $new = wait_for(sub { launcher_pid() }, 'a launcher');
	isnt($new, $pid, 'by another launcher');

	# While a worker runs, which no new launcher has started.
	my ($to) = hang_in_flight(1);
	sql($node, 'postgres', "SELECT pg_terminate_backend($new, 10000)");
	wait_for(sub { launcher_pid() }, 'a launcher');
	$gateway->faults;
	my ($pid_of_worker) = worker_pids($node, 'shop');
	works($node, 'shop', $gateway, 'with a worker of the old one: delivered');
	sql($node, 'postgres', "SELECT pg_terminate_backend($pid_of_worker, 10000)");
	works($node, 'shop', $gateway, '... and when that is gone, too');
	ok($gateway->code_for($to), '... and its message');
};

subtest 'fast shutdown with many in flight' => sub {
	my @to = hang_in_flight(50);
	cmp_ok(restart('fast'), '<', 2, 'takes no two seconds');
	$gateway->faults;
	$gateway->message_for(undef, 50 + $gateway->call(GET => 'messages?limit=1')->{count} - delivered(@to));
	is(delivered(@to), 50, 'all are delivered after it');
	is(shop("SELECT count(*) FROM mfa.message WHERE state = 'sending' AND due_at < now()"), 0, 'none is stuck');
};

# How many of these have a message.
sub delivered
{
	my %wanted = map { $_ => 1 } @_;
	delete $wanted{ $_->{to} // '' } for $gateway->messages;
	return @_ - keys %wanted;
}

# What was live before a crash is void: no message comes, and the code isn't accepted.
sub is_void
{
	my ($to, $name) = @_;
	is(shop('SELECT count(*) FROM mfa.request'), 0, "$name: no request");
	is(shop('SELECT count(*) FROM mfa.message'), 0, "$name: no message");
	works($node, 'shop', $gateway, "$name: mfa works again");
	is(delivered($to), 0, "$name: what was queued is not delivered");
	return;
}

subtest 'immediate shutdown with many in flight' => sub {
	my ($to) = hang_in_flight(50);
	cmp_ok(restart('immediate'), '<', 5, 'goes');
	$gateway->faults;
	is_void($to, 'then');
};

subtest 'crash' => sub {
	my ($to) = hang_in_flight(1);
	my ($pid) = worker_pids($node, 'shop');
	forget_sessions($node);
	kill 'KILL', $pid;
	$node->wait_for_log(qr/delivery worker.*terminated by signal 9/);
	wait_for(sub { $node->psql('shop', 'SELECT 1') == 0 }, 'the server to be back');
	$gateway->faults;
	is_void($to, 'worker killed');
};

# Being terminated, and the crash, are told about by the server itself.
check_log($node, 'nothing in the log that was not asked for', 0,
	qr/canceling statement due to lock timeout|terminating (?:connection|background worker|any other)|WARNING: .*(?:crash|server process)|not properly shut down|database system (?:is|was)/);
done_testing();
