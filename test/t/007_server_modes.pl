# Servers on which mfa can't do its work, or not yet: no background worker slot, no library, a standby.
#
# Fails without: the launcher's back-off and its one line; the look at shared memory in every function;
# the refusal of writes in recovery, and unlogged tables (a promoted standby starts empty). With a launcher
# that starts at consistency, "not ok - neither launcher nor worker". With a signal for every commit, "not ok -
# further commits don't wake the launcher" (it waits 38 times more).

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
# Two slots are taken for good, by mfa's launcher and that of logical replication: one is left.
my $node = start_cluster('main', max_worker_processes => 3, streaming => 1, log_replication_commands => 'off');
make_database($node, 'shop', $gateway, timeout => '6 s');
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION mfa');
configure_provider($node, 'other', $gateway);

sub mfa_processes
{
	my ($on) = @_;
	return sql($on, 'postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'mfa %'");
}

# How often a process has waited.
sub waits_of
{
	my ($on, $type) = @_;
	my $pid = sql($on, 'postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = '$type'");
	my ($count) = slurp_file("/proc/$pid/status") =~ /^voluntary_ctxt_switches:\s*(\d+)/m;
	return $count;
}

subtest 'no background worker slot is free' => sub {
	wait_for_workers($node, 0);
	my ($slow, $waits) = map { new_number() } 1 .. 2;
	$gateway->fault($slow, { hang => 'after_read' });
	send_code($node, 'shop', $slow);
	wait_for(sub { $gateway->call(GET => 'stats')->{in_flight} }, 'the slot to be taken');

	my $offset = -s $node->logfile;
	my $id = send_code($node, 'other', $waits);
	$node->wait_for_log(qr/LOG: .*all background worker slots are taken/, $offset);
	is(message_row($node, 'other', $id)->{state}, 'queued', 'the message waits');
	my $waited = waits_of($node, 'mfa launcher');
	send_code($node, 'other', new_number()) for 1 .. 40;
	cmp_ok(waits_of($node, 'mfa launcher') - $waited, '<', 20, "further commits don't wake the launcher");
	ok($gateway->code_for($waits), 'and is delivered when a slot is free');
	my $log = substr slurp_file($node->logfile), $offset;
	is(scalar(() = $log =~ /background worker slots/g), 1, 'one line in the log');
	like($log, qr/HINT: .*max_worker_processes, now 3/, 'with a hint');
	$gateway->faults;
};

subtest 'standby' => sub {
	my ($to) = new_number();
	my $id = send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	wait_for_state($node, 'shop', $id, 'sent');
	my $configuration = q{
		SELECT (SELECT string_agg(t::text, ' ') FROM mfa.template t), (SELECT string_agg(t::text, ' ') FROM mfa.route t),
			(SELECT string_agg(t::text, ' ' ORDER BY t) FROM mfa.usage_total t), (SELECT string_agg(s::text, ' ') FROM pg_foreign_server s),
			(SELECT count(*) FROM pg_user_mappings)};
	$node->backup('base');
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	$standby->init_from_backup($node, 'base', has_streaming => 1, log_replication_commands => 'off');
	chmod 0600, $standby->data_dir . '/mfa.key';    # the copy that the test makes has other modes
	$standby->start;
	sql($node, 'shop', q{
		INSERT INTO mfa.template (body) VALUES ('From the standby: {code}');
		INSERT INTO mfa.route (prefix, remark) VALUES ('+', 'everywhere')});
	psql_fails($standby, 'shop', $_, '25006', "25006 for $_" =~ s/$code/code/r)
	  for "SELECT mfa_send('$to')", "SELECT mfa_verify('$id', '$code')", "SELECT mfa_verify('$to', '$code')",
	  "SELECT mfa_check('$id', '$code')", "SELECT mfa_resend('$id')", "SELECT mfa_cancel('$id')",
	  "SELECT mfa_status('$id')", "SELECT mfa_delivery_report('signalwire', 'x', 'delivered')", "SELECT mfa_forget('$to')";
	$standby->psql('shop', "SELECT mfa_send('$to')", stderr => \my $error);
	like($error, qr/HINT: .*connect to the primary/, 'with a hint');
	like(sql($standby, 'shop', q{SELECT string_agg(concat_ws(' ', name, status, detail), ', ') FROM mfa.health}),
		qr/^library ok [^,]*, server warning a standby: /, 'nor more than that in mfa.health');
	is(mfa_processes($standby), 0, 'neither launcher nor worker');
	is(slurp_file($standby->data_dir . '/mfa.key'), slurp_file($node->data_dir . '/mfa.key'), 'it has the key of the primary');
	check_log($standby, 'else nothing in its log', 0, qr/cannot execute mfa_/);

	ok(wait_for(sub { sql($standby, 'shop', $configuration) eq sql($node, 'shop', $configuration) }, 'the standby to be as the primary'),
		'it has the configuration and the totals of usage');

	my $pid = sql($standby, 'shop', 'SELECT pg_backend_pid()');
	$standby->promote;
	is(sql($standby, 'shop', 'SELECT count(*) FROM mfa.request') + sql($standby, 'shop', 'SELECT count(*) FROM mfa.message'),
		0, 'promoted: no request, no message');
	is(sql($standby, 'shop', "SELECT mfa_verify('$id', '$code')"), 'f', 'codes of the primary are not accepted');
	send_code($standby, 'shop', $to);
	is($gateway->message_for($to, 2)->{text}, 'From the standby: ' . (my $again = $gateway->code_for($to, 2)),
		'who asks again is sent another, in the words of the primary');
	is(sql($standby, 'shop', "SELECT mfa_verify('$to', '$again')"), 't', 'which is right');
	is(sql($standby, 'shop', 'SELECT pg_backend_pid()'), $pid, 'in a session from before the promotion');
	works($standby, 'shop', $gateway, 'it sends and verifies');
	cmp_ok(mfa_processes($standby), '>', 0, 'by processes that are there now');
	forget_sessions($standby);
	$standby->stop('fast');
	is(sql($node, 'shop', "SELECT mfa_verify('$id', '$code')"), 't', 'the primary accepts its own');
};

subtest 'the library is not preloaded' => sub {
	my $to = new_number();
	my $id = send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	forget_sessions($node);
	$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
	$node->restart;
	psql_fails($node, 'shop', $_, '55000', "55000 for $_" =~ s/$code/code/r)
	  for "SELECT mfa_send('$to')", "SELECT mfa_verify('$id', '$code')", "SELECT mfa_check('$id', '$code')";
	is($node->psql('other', 'DROP EXTENSION mfa CASCADE; CREATE EXTENSION mfa'), 0, 'the extension can be made');
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'mfa'");
	$node->restart;
	is(sql($node, 'shop', "SELECT mfa_verify('$id', '$code')"), 't', 'preloaded again: the code is still good');
	works($node, 'shop', $gateway, 'and new ones are sent');
};

done_testing();
