# What can go wrong between mfa and a provider: the state of the message, how often it is tried, what is
# said about it, and how many messages the recipient gets (G12).
#
# Without the second look at the request when a message is claimed (G13), "not ok - exhausted: dropped":
# it was sent. Without a provider's share of what is in flight (G14), "not ok - it has its share".

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
make_database($node, 'shop', $gateway, timeout => '1 s', connect_timeout => '1 s');

sub shop { return sql($node, 'shop', $_[0]) }

# All of a number's requests, of which those that were struck early are unknown to the gateway's index:
# each case has the gateway for itself, so all requests are.
sub arrived { return scalar $gateway->requests }

# One message under one fault, to its end: state, error and tries of mfa.message, and what the recipient
# got (accepted by the gateway) of how many requests.
sub case
{
	my ($name, $action, $times, %expect) = @_;
	my $to = new_number();
	$gateway->call(DELETE => 'messages');
	# A message that gets through: or the failures of the cases before would open the breaker.
	my $before = new_number();
	send_code($node, 'shop', $before);
	$gateway->message_for($before);
	$gateway->call(DELETE => 'messages');
	$gateway->faults({ match => { path => '*/Messages' }, action => $action, ($times ? (times => $times) : ()),
		accept => $expect{accept} ? JSON::PP::true : JSON::PP::false });
	my $id = send_code($node, 'shop', $to, $expect{arguments});
	my $row = eval { wait_for_state($node, 'shop', $id, 'sent|failed|dropped', 15) } // message_row($node, 'shop', $id);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	subtest $name => sub {
		is($row->{state}, $expect{state}, 'state');
		like($row->{tries}, qr/^$expect{tries}$/, 'tries');
		like($row->{error}, $expect{error}, 'error');
		is(scalar $gateway->messages, $expect{messages}, 'messages');
		unlike($row->{error}, qr/\Q@{[ substr $to, 1 ]}\E|[0-9]{6}/, 'the error has neither number nor code');
	};
	return;
}

# A server of another kind: nobody there, or a gateway with TLS.
sub server
{
	my ($name, $options) = @_;
	shop("CREATE SERVER $name FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (sender '+15550100', $options);
		CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS (project_id '@{[ MfaGateway::PROJECT ]}', api_token '@{[ MfaGateway::TOKEN ]}')");
	return;
}

# Never reached, or told so: again and again, while the code lives.
case('429, then well', { status => 429, headers => { 'Retry-After' => '1' } }, 1,
	state => 'sent', tries => 2, error => qr/^$/, messages => 1);
case('503, then well', { status => 503 }, 1, state => 'sent', tries => 2, error => qr/^$/, messages => 1);
case('503 until the code expires', { status => 503 }, 0, arguments => "valid_for => '3 s'",
	state => 'failed', tries => '[23]', error => qr/^HTTP 503; the code expires before the next try$/, messages => 0);
# It is the whole provider's pause, so it has one of its own.
server('busy', "base_url '" . $gateway->base_url . "', state_lookup 'off'");
case('Retry-After beyond the code\'s life', { status => 429, headers => { 'Retry-After' => '3600' } }, 0,
	arguments => "provider => 'busy'", state => 'failed', tries => 1, error => qr/^HTTP 429.*expires before the next try$/, messages => 0);

# Unknown: at most one more try.
case("$_->[0], then well", $_->[1], 1, state => 'sent', tries => 2, error => qr/^$/, messages => 1)
  for [ '500', { status => 500 } ], 
	[ 'reset instead of an answer', { reset => 'after_read' } ], [ 'closed instead of an answer', { close => 'after_read' } ],
	[ 'hangs before it reads', { hang => 'before_read' } ];
case('reset after the headers, then well', { reset => 'headers' }, 1,
	state => 'sent', tries => '[12]', error => qr/^$/, messages => 1);
case("$_->[0], always", $_->[1], 0, state => 'failed', tries => 2, error => $_->[2], messages => 0)
  for [ '502', { status => 502 }, qr/^HTTP 502$/ ],
	[ 'hangs', { hang => 'after_read' }, qr/[Tt]imeout/ ],
	[ 'broken answer', { reset => 'mid_response' }, qr/./ ],
	[ 'not HTTP', { garbage => JSON::PP::true }, qr/./ ],
	[ 'broken JSON', { garbage => 'json' }, qr/without a message id/ ];
case('taken, but the answer is lost: the recipient gets it twice, and no more', { close => 'after_read' }, 0,
	accept => 1, state => 'failed', tries => 2, error => qr/./, messages => 2);
case('a huge answer', { huge => 50_000_000 }, 0, accept => 1,
	state => 'failed', tries => 2, error => qr/./, messages => 2);
case('drips', { drip_ms => 200 }, 0, accept => 1, state => 'failed', tries => 2, error => qr/[Tt]imeout/, messages => 2);

# Refused: at once and for good.
case("code $_->[0]", { code => $_->[0], status => 400 }, 0, state => 'failed', tries => 1,
	error => qr/^HTTP 400, provider code $_->[0]: $_->[1]$/, messages => 0)
  for [ '21610', 'recipient opted out' ], [ '21614', 'not a mobile number' ], [ '21606', 'not a mobile number' ];
case('status 401', { status => 401 }, 0, state => 'failed', tries => 1, error => qr/^HTTP 401$/, messages => 0);
case('redirect', { redirect => 'http://127.0.0.1:9/' }, 0, state => 'failed', tries => 1,
	error => qr/^HTTP 302$/, messages => 0);

subtest 'refused connection' => sub {
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	server('nobody', "base_url 'http://127.0.0.1:$port'");
	my $id = send_code($node, 'shop', new_number(), "provider => 'nobody'");
	my $row = wait_for(sub { my $r = message_row($node, 'shop', $id); $r->{tries} >= 2 && $r }, 'two tries');
	is($row->{unknowns}, 0, 'never reached');
	like($row->{error}, qr/connect/, 'error');
};

subtest 'a name that does not exist' => sub {
	server('nowhere', "base_url 'https://gateway.invalid'");
	my $id = send_code($node, 'shop', new_number(), "provider => 'nowhere'");
	my $row = wait_for(sub { my $r = message_row($node, 'shop', $id); $r->{tries} >= 2 && $r->{error} && $r }, 'two tries');
	is($row->{unknowns}, 0, 'never reached');
	like($row->{error}, qr/resolve|time/i, 'error');
};

# Of a key: valid for localhost, until some years ago. Only "openssl ca" takes the dates.
sub expired_certificate
{
	my ($directory, $key) = @_;
	my ($config, $request, $certificate) = map { "$directory/$_" } qw(ca.cnf request.pem expired.pem);
	append_to_file("$directory/index", '');
	append_to_file("$directory/serial", "01\n");
	append_to_file($config, "[ca]\ndefault_ca = own\n[own]\ndatabase = $directory/index\nserial = $directory/serial\n"
		. "new_certs_dir = $directory\ndefault_md = sha256\npolicy = any\nx509_extensions = names\n"
		. "[any]\ncommonName = supplied\n[names]\nsubjectAltName = DNS:localhost\n");
	system_or_bail('openssl', 'req', '-new', '-key', $key, '-subj', '/CN=localhost', '-out', $request);
	system_or_bail('openssl', 'ca', '-batch', '-notext', '-selfsign', '-config', $config, '-keyfile', $key, '-in', $request,
		'-startdate', '20200101000000Z', '-enddate', '20200102000000Z', '-out', $certificate);
	return $certificate;
}

subtest 'TLS' => sub {
	my $directory = PostgreSQL::Test::Utils::tempdir();
	my ($key, $certificate) = map { "$directory/$_" } qw(key.pem ca.pem);
	system_or_bail('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
		'-keyout', $key, '-out', $certificate, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost');
	my $tls = start_gateway(cert => $certificate, key => $key);
	server('unknown_ca', "base_url '" . $tls->base_url('localhost') . "'");
	server('wrong_name', "base_url '" . $tls->base_url . "', ca_file '$certificate'");
	server('trusted', "base_url '" . $tls->base_url('localhost') . "', ca_file '$certificate'");
	my $expired = expired_certificate($directory, $key);
	my $late = start_gateway(cert => $expired, key => $key);
	server('expired', "base_url '" . $late->base_url('localhost') . "', ca_file '$expired'");
	for my $bad (qw(unknown_ca wrong_name expired))
	{
		my $id = send_code($node, 'shop', new_number(), "provider => '$bad'");
		my $row = wait_for(sub { my $r = message_row($node, 'shop', $id); $r->{error} && $r }, 'a try');
		like($row->{error}, qr/certificate|SSL|TLS|peer/i, "$bad: error");
		is($row->{unknowns}, 0, "$bad: never reached");
	}
	my $to = new_number();
	my $id = send_code($node, 'shop', $to, "provider => 'trusted'");
	is(shop("SELECT mfa_verify('$id', '" . $tls->code_for($to) . "')"), 't', 'right CA and name: delivered');
	is(scalar($tls->requests) + scalar($late->requests), 1, 'to the others not a byte of a request was sent');
};

# A code whose request ends while its message waits for the next try, is not sent any more (G13).
subtest 'an ended request is not delivered' => sub {
	my %ending = (
		superseded => sub { my ($to) = @_; shop("SET mfa.resend = 'new'; SELECT mfa_send('$to', provider => 'nobody'); RESET mfa.resend") },
		exhausted => sub { my ($to) = @_; shop("SELECT mfa_verify('$to', 'x')") for 1 .. 3 });
	$gateway->call(DELETE => 'messages');
	my (%to, %id);
	$gateway->fault('*', { status => 429, headers => { 'Retry-After' => '2' } }, times => 2);
	for my $ending (sort keys %ending)
	{
		$to{$ending} = new_number();
		$id{$ending} = send_code($node, 'shop', $to{$ending});
		wait_for(sub { message_row($node, 'shop', $id{$ending})->{tries} == 1 }, 'a first try');
		$ending{$ending}->($to{$ending});
	}
	for my $ending (sort keys %ending)
	{
		my $row = wait_for_state($node, 'shop', $id{$ending}, 'dropped|sent|failed');
		is($row->{state}, 'dropped', "$ending: dropped");
		like($row->{error}, qr/^request $ending/, "$ending: with the reason");
		is(scalar $gateway->messages($to{$ending}), 0, "$ending: not delivered");
	}

	# Verified: the code had come, and another copy was on its way.
	$gateway->faults;
	my $to = new_number();
	my $id = send_code($node, 'shop', $to);
	my $code = $gateway->code_for($to);
	$gateway->fault($to, { status => 429, headers => { 'Retry-After' => '1' } }, times => 1);
	send_code($node, 'shop', $to);
	wait_for(sub { message_row($node, 'shop', $id)->{tries} == 1 && message_row($node, 'shop', $id)->{state} eq 'queued' }, 'a first try');
	is(shop("SELECT mfa_verify('$id', '$code')"), 't', 'verified meanwhile');
	is(wait_for_state($node, 'shop', $id, 'dropped|sent|failed')->{state}, 'dropped', 'verified: dropped');
	is(scalar $gateway->messages($to), 1, 'verified: not delivered again');
};

subtest 'a code that expired meanwhile is not delivered' => sub {
	my $to = new_number();
	$gateway->fault($to, { status => 503 }, times => 1);
	my $id = send_code($node, 'shop', $to, "valid_for => '5 s'");
	wait_for(sub { message_row($node, 'shop', $id)->{tries} == 1 }, 'a first try');
	forget_sessions($node);
	$node->stop('fast');
	sleep 5;
	$node->start;
	my $row = wait_for_state($node, 'shop', $id, 'dropped|sent|failed');
	is($row->{state}, 'dropped', 'dropped');
	like($row->{error}, qr/^request expired/, 'with the reason');
	is(scalar $gateway->messages($to), 0, 'not delivered');
};

subtest 'a slow provider delays no other' => sub {
	my $slow = start_gateway();
	$slow->fault('*', { hang => 'after_read' });
	server('slow', "base_url '" . $slow->base_url . "', timeout '10 s'");
	shop(join ';', map { "SELECT mfa_send('" . new_number() . "', provider => 'slow')" } 1 .. 300);
	wait_for(sub { $slow->call(GET => 'stats')->{in_flight} >= 64 }, 'the slow one to be in use');
	sleep 1;    # for more than its share, which would be all that the worker may have in flight
	is(shop("SELECT count(*) FROM mfa.message WHERE provider = 'slow' AND state = 'sending'"), 64, 'it has its share');
	$gateway->faults;
	my ($to, $start) = (new_number(), time);
	send_code($node, 'shop', $to);
	$gateway->message_for($to);
	cmp_ok(time - $start, '<', 3, 'a message through another goes at once');
	$slow->faults;
};

check_log($node, 'nothing in the log to worry about');
done_testing();
