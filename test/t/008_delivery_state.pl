# What becomes of a message that the provider has accepted: looked up, reported by webhooks, announced;
# and the other channel that follows where it does not arrive.
#
# Without Worker::look_up, "timed out waiting for message … to be delivered"; without hasten_fallback (of
# outbox and of message_store), "not ok - the call need not wait"; without the check for a delivered one
# in the claim, "not ok - delivered: no call"; with reserves counted as sends, "not ok - one send".

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
make_database($node, 'shop', $gateway, state_lookup => 'on');
$node->safe_psql('shop', q{ALTER USER MAPPING FOR PUBLIC SERVER signalwire OPTIONS (ADD signing_key 'PSK_test')});

sub shop { return sql($node, 'shop', $_[0]) }

sub sid { my ($to, $count) = @_; return $gateway->message_for($to, $count)->{sid} }

sub set_state
{
	my ($sid, $status, $code) = @_;
	$gateway->call(POST => 'state', { sid => $sid, status => $status, ($code ? (error_code => $code) : ()) });
	return;
}

sub rows { my ($id) = @_; return shop("SELECT string_agg(concat_ws(' ', n, channel, state, error), ', ' ORDER BY n) FROM mfa.message WHERE request = '$id'") }

sub report
{
	my ($sid, $status, $error) = @_;
	$error = $error ? "'$error'" : 'NULL';
	return shop("SELECT mfa_delivery_report('signalwire', '$sid', '$status', $error)");
}

subtest 'states are looked up until they are final' => sub {
	my ($to, $lost) = (new_number(), new_number());
	my $id = send_code($node, 'shop', $to);
	my $lost_id = send_code($node, 'shop', $lost);
	set_state(sid($lost), 'undelivered', '30003');
	my $row = wait_for_state($node, 'shop', $lost_id, 'delivered|undelivered', 40);
	is($row->{state}, 'undelivered', 'undelivered');
	is($row->{error}, 'provider code 30003', 'with the provider\'s reason');
	is(wait_for_state($node, 'shop', $id, 'delivered|undelivered', 40)->{state}, 'delivered', 'delivered');
	is(shop("SELECT delivery FROM mfa_status('$id')"), 'delivered', 'as mfa_status says');
	is(shop("SELECT bool_and(ended_at > sent_at AND due_at = 'infinity') FROM mfa.message"), 't', 'no further look');

	my $call = send_code($node, 'shop', new_number(), "'voice'");
	is(wait_for_state($node, 'shop', $call, 'delivered|undelivered', 40)->{state}, 'delivered', 'a call that was answered');
};

subtest 'a look-up that goes wrong is made again' => sub {
	my $to = new_number();
	$gateway->faults({ match => { path => '*/Messages/*', method => 'GET' }, times => 2, action => { status => 500 } });
	my $id = send_code($node, 'shop', $to);
	set_state(sid($to), 'delivered');
	is(wait_for_state($node, 'shop', $id, 'delivered|undelivered', 40)->{state}, 'delivered', 'delivered');
	is(scalar $gateway->messages($to), 1, 'and the message is not sent again');
	$gateway->faults;
};

$node->safe_psql('shop', q{ALTER SERVER signalwire OPTIONS (SET state_lookup 'off')});

subtest 'reports' => sub {
	my $to = new_number();
	my $id = send_code($node, 'shop', $to);
	my $sid = sid($to);
	wait_for_state($node, 'shop', $id, 'sent');
	is(report($sid, 'sent'), 't', 'a state that is not final');
	is(message_row($node, 'shop', $id)->{state}, 'sent', 'changes nothing');
	is(report($sid, 'Delivered'), 't', 'delivered');
	is(message_row($node, 'shop', $id)->{state}, 'delivered', 'is noted');
	is(report($sid, 'delivered'), 't', 'twice');
	is(report($sid, 'sent'), 't', 'out of order');
	is(report($sid, 'failed', '30003'), 'f', 'to the contrary');
	is(message_row($node, 'shop', $id)->{state}, 'delivered', 'changes nothing');
	is(report('SM-of-somebody', 'delivered'), 'f', 'an id that is not known');
	psql_fails($node, 'shop', "SELECT mfa_delivery_report('signalwire', '$sid', 'fine')", '22023', 'no state');
	psql_fails($node, 'shop', "SELECT mfa_delivery_report('nobody', '$sid', 'sent')", '42704', 'no server');
	psql_fails($node, 'shop', "SELECT mfa_delivery_report('signalwire', NULL, 'sent')", '22004', 'no id');
	psql_fails($node, 'shop', "BEGIN READ ONLY; SELECT mfa_delivery_report('signalwire', '$sid', 'sent')", '25006', 'read-only');

	shop('CREATE ROLE hooks');
	shop('GRANT EXECUTE ON FUNCTION mfa_delivery_report, mfa_signature_valid TO hooks');
	for my $call ("mfa_delivery_report('signalwire', 'x', 'sent')", "mfa_signature_valid('signalwire', 'x', 'https://x/', '')")
	{
		psql_fails($node, 'shop', "SET ROLE hooks; SELECT $call", '42501', 'without USAGE on the server');
	}
	shop('GRANT USAGE ON FOREIGN SERVER signalwire TO hooks');
	is(shop("SET ROLE hooks; SELECT mfa_delivery_report('signalwire', '$sid', 'delivered'); RESET ROLE"), 't', 'with it');

	# An error that repeats what was sent is not kept; a rolled-back report is none.
	$to = new_number();
	$id = send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	wait_for_state($node, 'shop', $id, 'sent');
	shop("BEGIN; SELECT mfa_delivery_report('signalwire', '" . sid($to) . "', 'failed'); ROLLBACK");
	is(message_row($node, 'shop', $id)->{state}, 'sent', 'rolled back');
	is(report(sid($to), 'failed', $code), 't', 'an error that is the code');
	is_deeply([ @{ message_row($node, 'shop', $id) }{qw(state error)} ], [ 'undelivered', '' ], 'is not kept');
};

subtest 'reports at once from many sessions' => sub {
	my $to = new_number();
	my $id = send_code($node, 'shop', $to);
	wait_for_state($node, 'shop', $id, 'sent');
	my $script = PostgreSQL::Test::Utils::tempdir() . '/report.sql';
	append_to_file($script, "SELECT mfa_delivery_report('signalwire', '" . sid($to) . "', 'delivered')::int AS known \\gset\n\\if :known\n\\else\nSELECT 1/0;\n\\endif\n");
	$node->command_ok([ 'pgbench', '-n', '-c', 8, '-j', 2, '-t', 200, '-f', $script, 'shop' ], 'all of them know it');
	is(message_row($node, 'shop', $id)->{state}, 'delivered', 'delivered');
};

subtest 'signatures' => sub {
	my $url = 'https://shop.example/hooks?x=1';
	my $body = 'MessageStatus=delivered&MessageSid=SM1';
	my $good = `printf %s '$url$body' | openssl dgst -sha1 -hmac PSK_test | sed 's/.* //'`;
	chomp $good;
	is(shop("SELECT mfa_signature_valid('signalwire', '$good', '$url', '$body')"), 't', 'right');
	is(shop("SELECT mfa_signature_valid('signalwire', '$good', '$url', '$body&x=y')"), 'f', 'another body');
	is(shop("SELECT mfa_signature_valid('signalwire', NULL, '$url', '$body')"), 'f', 'NULL');
	shop(q{CREATE SERVER twilio FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
		CREATE USER MAPPING FOR PUBLIC SERVER twilio OPTIONS (signing_key '12345')});
	my $call = "SELECT mfa_signature_valid('twilio', 'RSOYDt4T1cUTdK1PDd93/VVr8B8=', 'https://mycompany.com/myapp.php?foo=1&bar=2', 'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212')";
	psql_fails($node, 'shop', $call, '0A000', 'no scheme');
	shop(q{ALTER SERVER twilio OPTIONS (ADD signature 'twilio')});
	is(shop($call), 't', 'Twilio\'s published example');
	shop('ALTER USER MAPPING FOR PUBLIC SERVER twilio OPTIONS (DROP signing_key)');
	psql_fails($node, 'shop', $call, '55000', 'no key');
};

subtest 'NOTIFY' => sub {
	my $listener = $node->background_psql('shop', on_error_stop => 0, timeout => 60);
	$listener->query('LISTEN mfa_message');
	my $to = new_number();
	my $id = send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	wait_for_state($node, 'shop', $id, 'sent');
	report(sid($to), 'delivered');
	my $heard = join '', map { $listener->query('SELECT 1') } 1 .. 2;
	like($heard, qr/"request": "$id", "n": 1, "state": "sent", "channel": "sms", "provider": "signalwire"}/, 'sent');
	like($heard, qr/"request": "$id", "n": 1, "state": "delivered"/, 'delivered');
	unlike($heard, qr/$code|@{[ substr $to, 1 ]}/, 'neither code nor number');
	$node->safe_psql('shop', "ALTER SYSTEM SET mfa.notify = off; SELECT pg_reload_conf()");
	wait_for(sub { shop('SHOW mfa.notify') eq 'off' }, 'the setting');
	$id = send_code($node, 'shop', $to);
	wait_for(sub { shop("SELECT state FROM mfa.message WHERE request = '$id' AND n = 2") eq 'sent' }, 'the second to be sent');
	report(sid($to, 2), 'delivered');
	unlike($listener->query('SELECT 1'), qr/"n": 2/, 'mfa.notify = off: nothing');
	$listener->quit;
	$node->safe_psql('shop', "ALTER SYSTEM RESET mfa.notify; SELECT pg_reload_conf()");
};

subtest 'fallback to another channel' => sub {
	shop("SET mfa.fallback = 'sms:5s voice'");
	my ($to, $start) = (new_number(), time);
	my $id = send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	is(shop("SELECT sends || ' ' || channel || ' ' || state FROM mfa_status('$id')"), '1 sms live', 'one send, over sms');
	my $call = $gateway->message_for($to, 2);
	cmp_ok(time - $start, '>=', 5, 'after its time');
	is($call->{channel}, 'voice', 'a call follows');
	is(MfaGateway::code_in($call), $code, 'with the same code');
	wait_for_state($node, 'shop', $id, 'sent');
	is(shop("SELECT sends || ' ' || channel FROM mfa_status('$id')"), '2 voice', 'as mfa_status says');

	# Delivered or verified in time; refused or reported lost before its time.
	my %case = map { $_ => new_number() } qw(delivered verified undelivered refused);
	$gateway->faults({ match => { to => $case{refused}, path => '*/Messages' }, action => { code => '21614', status => 400 } });
	shop("SET mfa.fallback = 'sms:20s voice'");
	my %id = map { $_ => send_code($node, 'shop', $case{$_}) } qw(undelivered refused);
	shop("SET mfa.fallback = 'sms:8s voice'");
	$id{$_} = send_code($node, 'shop', $case{$_}) for qw(delivered verified);
	for my $name (qw(delivered verified undelivered)) { sid($case{$name}); wait_for(sub { rows($id{$name}) =~ /^1 sms sent/ }, 'the text') }
	report(sid($case{delivered}), 'delivered');
	report(sid($case{undelivered}), 'undelivered', '30005');
	shop("SELECT mfa_verify('$id{verified}', '" . $gateway->code_for($case{verified}) . "')");
	my $asked = time;
	is($gateway->message_for($case{refused})->{channel}, 'voice', 'refused: a call');
	is($gateway->message_for($case{undelivered}, 2)->{channel}, 'voice', 'undelivered: a call');
	cmp_ok(time - $asked, '<', 15, 'the call need not wait');
	wait_for(sub { rows($id{$_}) =~ /2 voice (?!queued|sending)/ }, "the end of $_") for sort keys %id;
	is(rows($id{delivered}), '1 sms delivered, 2 voice dropped not needed: delivered', 'delivered: no call');
	is(rows($id{verified}), '1 sms sent, 2 voice dropped request verified', 'verified: no call');
	is(rows($id{refused}), '1 sms failed HTTP 400, provider code 21614: not a mobile number, 2 voice sent', 'refused');
	is(rows($id{undelivered}), '1 sms undelivered provider code 30005, 2 voice sent', 'undelivered');
	$gateway->faults;

	# Asked for again: the later text has a call behind it, the earlier one's is not needed.
	$to = new_number();
	$id = send_code($node, 'shop', $to);
	$gateway->message_for($to);
	shop("SELECT mfa_resend('$id')");
	wait_for(sub { rows($id) =~ /4 voice sent/ }, 'the later call');
	is(rows($id), '1 sms sent, 2 voice dropped sent again meanwhile, 3 sms sent, 4 voice sent', 'one call');

	# A call has nothing behind it, a code that expires before has nothing either.
	like(rows(send_code($node, 'shop', new_number(), "'voice'")), qr/^1 voice \w+$/, 'a call');
	like(rows(send_code($node, 'shop', new_number(), "valid_for => '5 s'")), qr/^1 sms \w+$/, 'a short life');
	psql_fails($node, 'shop', "SET mfa.fallback = 'sms:5s whatsapp'; SELECT mfa_send('+14155559999')", '0A000', 'nobody serves it');
	psql_fails($node, 'shop', "SET mfa.fallback = 'sms voice'", '22023', 'not a fallback');
	shop('RESET mfa.fallback');
};

check_log($node, 'nothing in the log to worry about', 0, qr/ERROR:  (?:status is no|provider "|message_id must|cannot execute|permission denied|signatures of|option "|no configured|invalid value)/);
done_testing();
