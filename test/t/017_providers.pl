# Each kind of provider from end to end: options as CREATE SERVER takes them, a request that holds the
# recipient and the code, an answer in the provider's form that is understood, the state that its look-up
# tells; and one answer by which it refuses. What the requests are made of in detail, the unit tests and
# the contracts say.
#
# With every answer taken for accepted: timed out waiting for the message to be failed. With another id: "not
# ok - its message id". Without what look-ups answer: timed out waiting for it to be delivered. Without the
# English words for a language that is not spoken: "not ok - my".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use JSON::PP;
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
my $node = start_cluster('main');
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', 'CREATE EXTENSION mfa');

# The pipe must outlive all lexical variables: closing it waits for the server to end.
my $mail_server;
our $ports;
END { kill 'TERM', $mail_server if $mail_server }

sub shop { return sql($node, 'shop', $_[0]) }

my $key_file = $node->basedir . '/vonage.pem';
system_or_bail('openssl', 'genpkey', '-quiet', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', $key_file);

# channel => [status and answer to the message, answer to a look-up that says it was delivered]
my $xml_id = '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>{id}</MessageId>'
  . '</PublishResult></PublishResponse>';
my @providers = (
	{
		kind => 'twilio',
		mapping => { account_sid => 'AC01', auth_token => 'secret' },
		sms => [ 201, '{"sid":"{id}","status":"queued","error_code":null}', '{"status":"delivered"}' ],
		voice => [ 201, '{"sid":"{id}","status":"queued"}', '{"status":"completed"}' ],
		refused => [ 400, '{"code":21211,"message":"Invalid To","status":400}', '21211' ],
	},
	{
		kind => 'telnyx',
		server => { account_sid => 'a01', application_sid => '1700' },
		mapping => { api_key => 'KEY' },
		sms => [ 200, '{"data":{"id":"{id}","to":[{"status":"queued"}]}}', '{"data":{"to":[{"status":"delivered"}]}}' ],
		voice => [ 200, '{"sid":"{id}","call_sid":"{id}","status":"queued"}', '{"status":"completed"}' ],
		refused => [ 422, '{"errors":[{"code":"40310","title":"Invalid phone number"}]}', '40310' ],
	},
	{
		kind => 'plivo',
		mapping => { auth_id => 'MA01', auth_token => 'secret' },
		sms => [ 202, '{"message_uuid":["{id}"],"api_id":"x"}', '{"message_state":"delivered"}' ],
		refused => [ 400, '{"api_id":"x","error":"dst parameter is invalid"}', '' ],
	},
	{
		kind => 'vonage',
		server => { application_id => '78d335fa' },
		mapping => { api_key => 'k', api_secret => 'secret', private_key_file => $key_file },
		sms => [ 200, '{"message-count":"1","messages":[{"status":"0","message-id":"{id}"}]}' ],
		voice => [ 201, '{"uuid":"{id}","status":"started"}', '{"status":"completed"}' ],
		refused => [ 200, '{"message-count":"1","messages":[{"status":"4","error-text":"Bad Credentials"}]}', '4' ],
	},
	{
		kind => 'whatsapp',
		server => { phone_number_id => '1063', template => 'login' },
		mapping => { access_token => 'secret' },
		whatsapp => [ 200, '{"messaging_product":"whatsapp","messages":[{"id":"wamid.{id}"}]}' ],
		refused => [ 400, '{"error":{"code":131026,"message":"Message undeliverable"}}', '131026' ],
	},
	{
		kind => 'messagebird',
		mapping => { access_key => 'secret' },
		sms => [
			201, '{"id":"{id}","recipients":{"totalSentCount":1,"items":[{"status":"sent"}]}}',
			'{"id":"x","recipients":{"items":[{"status":"delivered"}]}}' ],
		voice => [ 201, '{"id":"{id}","recipients":{"totalSentCount":1,"items":[{"status":"calling"}]}}',
			'{"id":"x","recipients":{"items":[{"status":"answered"}]}}' ],
		refused => [ 422, '{"errors":[{"code":9,"description":"no (correct) recipients found","parameter":"recipient"}]}', '9' ],
	},
	{
		kind => 'sinch',
		server => { service_plan_id => 'plan' },
		mapping => { api_token => 'secret', application_key => '1111', application_secret => 'c2VjcmV0' },
		sms => [ 201, '{"id":"{id}","canceled":false}',
			'{"batch_id":"x","statuses":[{"code":0,"count":1,"status":"Delivered"}],"total_message_count":1}' ],
		voice => [ 200, '{"callId":"{id}"}', '{"callId":"x","status":"FINAL","result":"ANSWERED","reason":"CALLERHANGUP"}' ],
		refused => [ 403, '{"code":"unauthorized","text":"The service plan may not"}', 'unauthorized' ],
	},
	{
		kind => 'infobip',
		mapping => { api_key => 'secret' },
		sms => [ 200, '{"messages":[{"messageId":"{id}","status":{"groupId":1,"groupName":"PENDING","id":26}}]}',
			'{"results":[{"messageId":"x","status":{"groupId":3,"groupName":"DELIVERED","id":5}}]}' ],
		voice => [ 200, '{"messages":[{"messageId":"{id}","status":{"groupId":1,"groupName":"PENDING","id":26}}]}',
			'{"results":[{"messageId":"x","status":{"groupId":3,"groupName":"DELIVERED","id":5}}]}' ],
		refused => [ 200, '{"messages":[{"messageId":"x","status":{"groupId":5,"groupName":"REJECTED","id":6,"name":"REJECTED_NETWORK"}}]}', '' ],
	},
	{
		kind => 'bandwidth',
		server => { account_id => '99', application_id => '93de' },
		mapping => { username => 'u', password => 'secret' },
		sms => [ 202, '{"id":"{id}","direction":"out"}', '{"messages":[{"messageId":"x","messageStatus":"DELIVERED"}]}' ],
		refused => [ 400, '{"type":"request-validation","description":"bad"}', 'request-validation' ],
	},
	{
		kind => 'sns',
		server => { region => 'eu-west-1' },
		mapping => { access_key_id => 'AKIDEXAMPLE', secret_access_key => 'secret' },
		sms => [ 200, $xml_id ],
		refused => [ 400, '<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>no</Message></Error></ErrorResponse>', 'InvalidParameter' ],
	},
);

sub options_of
{
	my ($options) = @_;
	return join ', ', map { "$_ '$options->{$_}'" } sort keys %$options;
}

# The request that a message to a number made, once it is there, with all that was in it.
sub request_for
{
	my ($digits) = @_;
	my $found;
	MfaTest::wait_for(
		sub {
			($found) = grep { encode_json($_->{fields} // {}) =~ /\Q$digits\E/ } $gateway->requests;
			return $found;
		},
		"a request for $digits");
	return encode_json($found->{fields});
}

for my $provider (@providers)
{
	my $kind = $provider->{kind};
	subtest $kind => sub {
		$gateway->call(DELETE => 'messages');
		my %server = (
			sender => '+15550100', %{ $provider->{server} // {} },
			base_url => $gateway->base_url . "/generic/$kind");
		shop("CREATE SERVER $kind FOREIGN DATA WRAPPER mfa_$kind OPTIONS (" . options_of(\%server) . ')');
		shop("CREATE USER MAPPING FOR PUBLIC SERVER $kind OPTIONS (" . options_of($provider->{mapping}) . ')');

		for my $channel (grep { $provider->{$_} } qw(sms voice whatsapp))
		{
			my ($status, $answer, $look) = @{ $provider->{$channel} };
			my @answers = ({ path => "/generic/$kind*", method => 'POST', status => $status, body => $answer });
			push @answers, { path => "/generic/$kind*", method => 'GET', status => 200, body => $look } if $look;
			$gateway->call(POST => 'generic', { answers => \@answers });
			my $to = new_number();
			my $id = shop("SELECT mfa_send('$to', '$channel', locale => 'en', provider => '$kind')");
			my $state = $look ? 'delivered' : 'sent';
			my $row = wait_for_state($node, 'shop', $id, $state);
			pass("$channel: $state");
			# WhatsApp's ids tell the number: what is kept is their hash.
			like($row->{message_id}, $channel eq 'whatsapp' ? qr/^[0-9a-f]{64}$/ : qr/^[0-9a-f]{8}-[0-9a-f-]{27}$/, 'its message id');
			my $request = request_for(substr $to, 1);
			my ($code) = $request =~ ($channel eq 'whatsapp' ? qr/"text":"(\d{6})"/ : qr/is: ((?:\d, ){5}\d|\d{6})/);
			my ($sid) = map { $_->{sid} } grep { $_->{sid} } $gateway->requests;
			is(shop("SELECT mfa_delivery_report('$kind', 'wamid.$sid', 'delivered')"), 't', 'a report finds it')
			  if $channel eq 'whatsapp';
			is(shop("SELECT mfa_verify('$to', '" . ($code // '') =~ s/, //gr . "')"), 't', 'the code was in it');
		}

		my ($status, $answer, $word) = @{ $provider->{refused} };
		$gateway->call(POST => 'generic',
			{ answers => [ { path => "/generic/$kind*", method => 'POST', status => $status, body => $answer } ] });
		my $channel = $provider->{sms} ? 'sms' : 'whatsapp';
		my $id = shop("SELECT mfa_send('" . new_number() . "', '$channel', provider => '$kind')");
		my $row = wait_for_state($node, 'shop', $id, 'failed');
		like($row->{error}, qr/^HTTP $status.*\Q$word\E/, 'refused, with the reason');
	};
}

# Words that the voice can say: Twilio has none for Burmese.
subtest 'a language that is not spoken' => sub {
	$gateway->call(DELETE => 'messages');
	$gateway->call(POST => 'generic', { answers => [ {
		path => '/generic/twilio*', method => 'POST', status => 201, body => '{"sid":"{id}","status":"queued"}' } ] });
	shop('ALTER SERVER twilio OPTIONS (ADD state_lookup $$off$$)');
	for ([ 'my', qr/Your Personal Authorization Code is/ ], [ 'de', qr/Ihr pers.{1,8}nlicher Best.*de-DE|de-DE.*Ihr pers/ ])
	{
		my ($locale, $words) = @$_;
		my $to = new_number();
		my $id = shop("SELECT mfa_send('$to', 'voice', locale => '$locale', provider => 'twilio')");
		wait_for_state($node, 'shop', $id, 'sent');
		like(request_for(substr $to, 1), $words, $locale);
	}
};

# Without Unreadable: the message has failed. Without the check of what a file holds: the second is sent.
subtest 'a file of credentials' => sub {
	my $file = $node->basedir . '/token';
	shop("CREATE SERVER late FOREIGN DATA WRAPPER mfa_twilio OPTIONS (sender '+15550100', state_lookup 'off',
		base_url '" . $gateway->base_url . "/generic/twilio')");
	shop("CREATE USER MAPPING FOR PUBLIC SERVER late OPTIONS (account_sid 'AC01', auth_token_file '$file')");
	my $id = shop("SELECT mfa_send('" . new_number() . "', provider => 'late')");
	wait_for(sub { (message_row($node, 'shop', $id)->{error} // '') =~ /can't be opened/ }, 'the first try');
	is(message_row($node, 'shop', $id)->{state}, 'queued', 'it may be there in a moment');
	append_to_file($file, "secret\n");
	is(wait_for_state($node, 'shop', $id, 'sent|failed')->{state}, 'sent', 'and is');
	append_to_file($file, "X-Other: header\n");
	$id = shop("SELECT mfa_send('" . new_number() . "', provider => 'late')");
	my $row = wait_for_state($node, 'shop', $id, 'sent|failed');
	like("$row->{state} $row->{error}", qr/^failed option "auth_token"/, 'two lines are no credential');
	append_to_file($file, 'x' x 16384);
	$id = shop("SELECT mfa_send('" . new_number() . "', provider => 'late')");
	wait_for(sub { (message_row($node, 'shop', $id)->{error} // '') =~ /longer than 16384 bytes/ }, 'a file that is too long');
	is(message_row($node, 'shop', $id)->{state}, 'queued', 'nor is a file that is too long, which may be mended');
};

subtest 'smtp' => sub {
	my $folder = PostgreSQL::Test::Utils::tempdir();
	$mail_server = open $ports, '-|', '/usr/bin/python3', '-B', "$FindBin::RealBin/../smtp/smtp.py", $folder;
	my $port = decode_json(scalar <$ports>);
	shop("CREATE SERVER mail FOREIGN DATA WRAPPER mfa_smtp OPTIONS (url 'smtp://localhost:$port->{starttls_auth}',
		ca_file '$folder/ca.pem', sender 'login\@shop.example', subject 'Anmeldung für Sie')");
	shop('CREATE USER MAPPING FOR PUBLIC SERVER mail OPTIONS (user $$mfa@example.com$$, password $$s3cr3t ñ/\$$)');
	my $id = shop("SELECT mfa_send('Someone\@Example.com', 'email', provider => 'mail')");
	my $row = wait_for_state($node, 'shop', $id, 'sent');
	my ($mail) = map { decode_json($_) } split /\n/, slurp_file("$folder/mails.jsonl");
	is("$mail->{from} $mail->{to}[0] $mail->{user}", 'login@shop.example someone@example.com mfa@example.com', 'envelope');
	ok($mail->{tls}, 'by TLS');
	is($mail->{headers}{Subject}, "Anmeldung f\x{fc}r Sie", 'subject');
	is($mail->{headers}{'Message-ID'}, "<$row->{message_id}>", 'its message id');
	my ($code) = $mail->{text} =~ /is: (\d{6})/;
	is(shop("SELECT mfa_verify('someone\@example.com', '$code')"), 't', 'the code was in it');

	$id = shop("SELECT mfa_send('other\@example.com', 'email', sender => 'shop\@shop.example', provider => 'mail')");
	wait_for_state($node, 'shop', $id, 'sent');
	like(slurp_file("$folder/mails.jsonl"), qr/"from": "shop\@shop.example"/, "the call's sender");
	psql_fails($node, 'shop', "SELECT mfa_send('a\@example.com', 'email', sender => 'Shop', provider => 'mail')", '22023',
		'which has to be an address');
	$id = shop("SELECT mfa_send('550\@example.com', 'email', provider => 'mail')");
	like(wait_for_state($node, 'shop', $id, 'failed')->{error}, qr/550/, 'refused, with the reason');
};

check_log($node, 'nothing else in the log to worry about', 0, qr/sender of a mail must be/);
done_testing();
