# From mfa_send to a code at the provider, and back through mfa_verify and mfa_check.
#
# Without the request's end by the code that was right (G4), a code is accepted twice: seen as "not ok -
# right code again".

use strict;
use warnings FATAL => 'all';
use utf8;

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
my $node = start_cluster('main');
make_database($node, 'shop', $gateway);

sub shop { return sql($node, 'shop', $_[0]) }

# verify(request or recipient, code[, purpose])
sub verify { return shop('SELECT mfa_verify(' . join(', ', map { "'$_'" } @_) . ')') }

# mfa_check's answer, "status attempts_left".
sub check
{
	my ($request, $code) = @_;
	return shop("SELECT status || coalesce(' ' || attempts_left, '') FROM mfa_check('$request', '$code')");
}

# A code of the same kind that is not this one.
sub wrong { my ($code) = @_; return $code =~ tr/0-9A-Z/1-90B-ZA/r }

subtest 'by text message' => sub {
	my $to = new_number();
	my $id = send_code($node, 'shop', $to);
	my $message = $gateway->message_for($to);
	is($message->{channel}, 'sms', 'channel');
	is($message->{from}, '+15550100', 'sender is the option of the server');
	like($message->{text}, qr/^Your Personal Authorization Code is: [0-9]{6}$/, 'built-in text');
	my $code = MfaGateway::code_in($message);

	is(verify($id, wrong($code)), 'f', 'wrong code');
	is(verify($id, $code), 't', 'right code');
	is(verify($id, $code), 'f', 'right code again');
	my $row = wait_for_state($node, 'shop', $id, 'sent');
	is($row->{tries}, 1, 'one try');
	is(shop("SELECT message_id FROM mfa.message WHERE request = '$id'"), $message->{sid}, "provider's id is kept");
	is(scalar $gateway->messages($to), 1, 'one message');
	is(shop("SELECT state, code_hash IS NULL, sealed IS NULL FROM mfa.request WHERE id = '$id'"),
		'verified|t|t', "secrets are erased at the request's end");
};

subtest 'by recipient' => sub {
	my $to = new_number();
	send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	(my $typed = $to) =~ s/^\+1(...)(...)(....)$/001 ($1) $2-$3/;
	is(verify($typed, substr($code, 0, 3) . ' - ' . substr($code, 3)), 't', 'number and code as people type them');
	is(verify($to, $code), 'f', 'once');
};

subtest 'by voice' => sub {
	my $to = new_number();
	my $id = send_code($node, 'shop', $to, "channel => 'voice'");
	my $message = $gateway->message_for($to);
	is($message->{channel}, 'voice', 'the calling API is used');
	like($message->{text}, qr/: [0-9](?:, [0-9]){5}\..*: [0-9](?:, [0-9]){5}\./, 'digit by digit, twice');
	is(verify($id, MfaGateway::code_in($message)), 't', 'the spoken code');
};

subtest 'what the caller may choose' => sub {
	my $to = new_number();
	send_code($node, 'shop', $to, "message => 'Code {code} for {app}, {minutes} min', sender => '+15550199', "
		  . "code_length => 9, valid_for => '5 min'");
	my $message = $gateway->message_for($to);
	like($message->{text}, qr/^Code [0-9]{9} for shop, [45] min$/, 'template');
	is($message->{from}, '+15550199', 'sender');

	$to = new_number();
	send_code($node, 'shop', $to, "message => 'Hello'");
	like($gateway->message_for($to)->{text}, qr/^Hello [0-9]{6}$/, 'the code is appended to a template without it');

	$to = new_number();
	send_code($node, 'shop', $to, "locale => 'de-AT'");
	like($gateway->message_for($to)->{text}, qr/^Ihr persönlicher Bestätigungscode lautet: [0-9]{6}$/, 'locale')
	  or diag($gateway->message_for($to)->{text});
};

subtest 'with letters' => sub {
	my $to = new_number();
	my $id = send_code($node, 'shop', $to, 'code_length => 20, allow_alphas => true, max_attempts => 20');
	my $code = $gateway->code_for($to);
	like($code, qr/^[0-9A-Z]{20}$/, 'code');
	unlike($code, qr/[OILZSB]/, 'no letter that looks like a digit');
	is(verify($id, wrong($code)), 'f', 'wrong code');
	# 0 for O, 1 for I and L as they are typed, in small letters.
	(my $typed = lc $code) =~ tr/01/ol/;
	is(verify($id, $typed), 't', 'small letters and look-alikes are the same');
};

subtest 'leading zeros' => sub {
	# A code of 4 digits begins with 0 once in ten: 100 codes without one are 1 in 38,000.
	my $batch = join ' ', map { sprintf "SELECT mfa_send('+1416555%04d', code_length => 4);", $_ } 1 .. 100;
	shop($batch);
	$gateway->message_for('+14165550100');
	wait_for(sub { shop("SELECT count(*) FROM mfa.message WHERE state = 'queued'") == 0 }, 'the batch');
	my ($message) = grep { ($_->{to} // '') =~ /^\+1416/ && MfaGateway::code_in($_) =~ /^0/ } $gateway->messages;
	ok($message, 'a code begins with 0') or return;
	my $code = MfaGateway::code_in($message);
	is(verify($message->{to}, substr $code, 1), 'f', 'without its zero it is wrong');
	is(verify($message->{to}, $code), 't', 'with it, right');
};

subtest 'mfa_check says why' => sub {
	my $to = new_number();
	my $id = send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	is(check($id, wrong($code)), 'wrong 2', 'wrong');
	is(check($id, $code), 'verified 1', 'verified');
	like(check($id, $code), qr/^used/, 'used, for the right code');
	like(check($id, wrong($code)), qr/^used/, 'used, for a wrong one');

	$to = new_number();
	$id = send_code($node, 'shop', $to);
	$code = $gateway->code_for($to);
	is(check($id, wrong($code)), "wrong $_", "wrong, $_ left") for 2, 1, 0;
	like(check($id, $code), qr/^exhausted/, 'exhausted, for the right code');
	is(verify($id, $code), 'f', '... which mfa_verify refuses');

	$to = new_number();
	$id = send_code($node, 'shop', $to, "valid_for => '2 s'");
	$code = $gateway->code_for($to);
	wait_for(sub { shop("SELECT clock_timestamp() > created_at + interval '2 s' FROM mfa.request WHERE id = '$id'") eq 't' },
		'the code to expire');
	like(check($id, $code), qr/^expired/, 'expired, for the right code');
	is(verify($to, $code), 'f', '... which mfa_verify refuses');

	is(check('00000000-0000-4000-8000-000000000000', $code), 'not_found', 'no such request');
	is(check(new_number(), $code), 'not_found', 'no request for that number');
	is(check('nonsense', $code), 'not_found', 'neither id nor recipient');
};

subtest 'again, while a code is live' => sub {
	my $to = new_number();
	my $id = send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	is(verify($id, wrong($code)), 'f', 'one attempt');
	is(send_code($node, 'shop', $to), $id, 'the same request');
	is($gateway->code_for($to, 2), $code, 'the same code');
	is(check($id, wrong($code)), 'wrong 1', 'attempts stand');

	my $new = shop("SET mfa.resend = 'new'; SELECT mfa_send('$to'); RESET mfa.resend");
	isnt($new, $id, 'by setting, a new request');
	my $new_code = $gateway->code_for($to, 3);
	like(check($id, $code), qr/^superseded/, 'superseded, for the code that was right');
	is(verify($to, $new_code), 't', 'the new code');

	$to = new_number();
	$id = send_code($node, 'shop', $to);
	$code = $gateway->code_for($to);
	my $longer = send_code($node, 'shop', $to, 'code_length => 8');
	isnt($longer, $id, 'with other options, a new request');
	is(verify($id, $code), 'f', 'the old code is void');
	is(verify($longer, $gateway->code_for($to, 2)), 't', 'the longer code');
};

subtest 'purposes' => sub {
	my $to = new_number();
	my $login = send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	my $payment = send_code($node, 'shop', $to, "purpose => 'payment:4711'");
	isnt($payment, $login, 'a request each');
	my $payment_code = $gateway->code_for($to, 2);

	is(verify($to, $payment_code), 'f', "the payment's code is none for login") if $payment_code ne $code;
	is(verify($payment, $payment_code), 'f', '... nor with its id, without the purpose');
	is(verify($payment, $payment_code, 'payment:4712'), 'f', '... nor for another payment');
	is(verify($to, $code, 'payment:4711'), 'f', "login's code is none for the payment") if $payment_code ne $code;
	is(verify($payment, $payment_code, 'payment:4711'), 't', 'right purpose, by id');
	is(verify($to, $code), 't', 'right purpose, by recipient');
};

subtest 'null is false' => sub {
	my $to = new_number();
	my $id = send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	for my $arguments ("NULL::text, '$code'", "NULL::uuid, '$code'", "'$to', NULL", "'$to', '$code', NULL", "'$id'::uuid, NULL")
	{
		is(shop("SELECT mfa_verify($arguments) IS FALSE"), 't', $arguments =~ s/$code/code/r);
	}
	is(verify($id, $code), 't', 'the code is still good');
};

# The generic provider: the request is a template in the options, values escaped for where they stand.
sub generic
{
	my ($name, %options) = @_;
	my $options = join ', ', map { "$_ '$options{$_}'" } sort keys %options;
	shop(qq{CREATE SERVER $name FOREIGN DATA WRAPPER mfa_http OPTIONS ($options);
		CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS (token 'tk-4711')});
	return;
}

subtest 'a provider described by options' => sub {
	my $url = $gateway->base_url . '/generic/send';
	my $text = q{Say "hi" & 100% \\ {code}};
	$gateway->call(POST => 'generic', { require => { 'X-Api-Key' => 'tk-4711' } });
	generic('json', url => $url, headers => 'X-Api-Key: {token}',
		body => '{"to": "{to}", "text": "{text}", "ttl": {life}}', message_id => '/messages/0/id');
	generic('form', url => $url, headers => 'X-Api-Key: {token}',
		content_type => 'application/x-www-form-urlencoded', body => 'to={to}&text={text}');
	generic('query', url => "$url?to={to}&text={text}", headers => 'X-Api-Key: {token}', method => 'GET');
	for my $provider (qw(json form query))
	{
		my $to = new_number();
		my $id = send_code($node, 'shop', $to, "message => \$m\$$text\$m\$, provider => '$provider'");
		my $message = $gateway->message_for($to);
		is($message->{channel}, 'generic', "$provider: endpoint");
		like($message->{text}, qr/^Say "hi" & 100% \\ [0-9]{6}$/, "$provider: the text as it was written");
		my ($code) = $message->{text} =~ /([0-9]{6})$/;
		is(verify($id, $code), 't', "$provider: the code");
		is(shop("SELECT provider FROM mfa.message WHERE request = '$id'"), $provider, "$provider: in the log");
	}
	$gateway->call(POST => 'generic', {});
};

check_log($node, 'nothing in the log to worry about');
done_testing();
