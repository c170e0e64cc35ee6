# In which words a message goes out: templates by purpose, language and channel, the endings that phones
# read, fixed codes for tests, and the inbox that all of it is read from.
#
# Without the look whether a live request has a message: "not ok - no fixed code was sent". With '' not
# taken for English: "not ok - 'sms', locale => ''". Without the inbox in purging: timed out waiting for the
# old ones to be gone.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_cluster('main');
make_inbox_database($node, 'shop');
$node->safe_psql('shop', q{ALTER DATABASE shop SET mfa.app_name = 'Shop'});

sub shop { return sql($node, 'shop', $_[0]) }

# The text of the newest message to a recipient, with its code replaced by CODE (spoken: C O D E).
sub text_of
{
	my ($to, $count) = @_;
	wait_for(sub { shop("SELECT count(*) FROM mfa.inbox WHERE recipient = '$to'") >= ($count // 1) },
		"message to $to");
	my $body = shop("SELECT replace(body, E'\\n', '|') FROM mfa.inbox WHERE recipient = '$to' ORDER BY received_at DESC LIMIT 1");
	my $code = shop("SELECT code FROM mfa.inbox WHERE recipient = '$to' ORDER BY received_at DESC LIMIT 1");
	my $spoken = join ', ', split //, $code;
	return $body =~ s/\Q$code\E/CODE/gr =~ s/\Q$spoken\E/C O D E/gr;
}

sub sent_text
{
	my ($arguments) = @_;
	my $to = new_number();
	shop("SELECT mfa_send('$to', $arguments)");
	return text_of($to);
}

subtest 'the inbox' => sub {
	my $to = new_number();
	my $id = shop("SELECT mfa_send('$to', sender => 'Shop')");
	is(text_of($to), 'Your Personal Authorization Code is: CODE', 'the text');
	is(shop("SELECT channel || ' ' || sender || ' ' || provider FROM mfa.inbox WHERE request = '$id'"),
		'sms Shop inbox', 'and the rest');
	wait_for_state($node, 'shop', $id, 'sent');
	is(shop("SELECT mfa_verify('$to', (SELECT code FROM mfa.inbox WHERE request = '$id'))"), 't',
		'a test suite reads the code from it');
	shop('CREATE ROLE app');
	psql_fails($node, 'shop', 'SET ROLE app; SELECT * FROM mfa.inbox', '42501', 'nobody else does');
	for my $n (1 .. 2)
	{
		wait_for_workers($node, 0);
		sent_text("'sms'");
	}
	my @said = slurp_file($node->logfile) =~ /WARNING:  mfa sends no messages through server "inbox"/g;
	is(scalar @said, 1, 'one warning in the log, whatever number of workers');
	$node->psql('shop', 'CREATE SERVER other FOREIGN DATA WRAPPER mfa_inbox', stderr => \my $warning);
	like($warning, qr/WARNING:  servers of mfa_inbox send no messages/, 'and one for who makes it');
};

subtest 'templates' => sub {
	shop(q{INSERT INTO mfa.template (purpose, locale, channel, body) VALUES
		('', '', '', 'all {code}'), ('', 'en', '', 'en {code}'), ('', 'pt', '', 'pt {code}'), ('', 'pt-BR', 'voice', 'spoken pt-BR {code}'),
		('', 'tlh', '', 'tlh {code}'), ('payment', '', '', 'pay at {app} {code}'),
		('payment', 'pt', 'voice', 'spoken pay pt {code}'), ('payment:4711', 'de', '', 'only 4711 {code}')});
	my %text = (
		q{'sms', locale => 'en'} => 'en CODE', q{'sms', locale => 'fr'} => 'all CODE',
		q{'sms', locale => 'pt-BR'} => 'pt CODE',
		q{'sms', locale => ''} => 'en CODE',
		q{'voice', locale => 'pt_br'} => 'spoken pt-BR C O D E. spoken pt-BR C O D E.',
		q{'voice', locale => 'pt-PT'} => 'pt C O D E. pt C O D E.',
		q{'sms', locale => 'tlh'} => 'tlh CODE',
		q{'sms', 'payment', locale => 'pt'} => 'pay at Shop CODE',
		q{'sms', 'payment:4711', locale => 'en'} => 'pay at Shop CODE',
		q{'voice', 'payment:4712', locale => 'pt-BR'} => 'spoken pay pt C O D E. spoken pay pt C O D E.',
		q{'sms', 'payment:4711', locale => 'de-AT'} => 'only 4711 CODE',
		q{'sms', 'payments', locale => 'fr'} => 'all CODE',
		q{'sms', 'payment', message => 'own {code}', locale => 'en'} => 'own CODE');
	is(sent_text($_), $text{$_}, $_) for sort keys %text;

	shop("SET mfa.message = 'setting {code}'");
	is(sent_text(q{'sms', locale => 'pt'}), 'pt CODE', 'a template comes before mfa.message');
	shop("DELETE FROM mfa.template WHERE purpose = '' AND locale IN ('', 'pt')");
	is(sent_text(q{'sms', locale => 'pt'}), 'setting CODE', 'which comes before');
	shop('RESET mfa.message');
	like(sent_text(q{'sms', locale => 'pt-PT'}), qr/pessoal é: CODE$/, 'the built-in text');
	psql_fails($node, 'shop', q{SELECT mfa_send('+14155559998', 'sms', locale => 'tlx')}, '22023',
		'neither template nor built-in text');
};

subtest 'another channel has its own words' => sub {
	shop(q{INSERT INTO mfa.template (purpose, channel, body) VALUES
		('login', 'sms', E'{code} is your code.\n\n{webotp}'), ('login', 'voice', 'This is {app}. {code}')});
	psql_fails($node, 'shop', q{SELECT mfa_send('+14155559997', 'sms', 'login')}, '55000', 'no domain yet');
	shop("SET mfa.webotp_domain = 'shop.example'");
	my $to = new_number();
	my $id = shop("SELECT mfa_send('$to', 'sms', 'login')");
	is(text_of($to), 'CODE is your code.||@shop.example #CODE', 'the text');
	shop("SELECT mfa_resend('$id', 'voice')");
	is(text_of($to, 2), 'This is Shop. C O D E. This is Shop. C O D E.', 'sent again as a call');

	my $other = new_number();
	shop("SET mfa.fallback = 'sms:5s voice'; SELECT mfa_send('$other', 'sms', 'login'); RESET mfa.fallback");
	is(text_of($other, 2), 'This is Shop. C O D E. This is Shop. C O D E.', 'as a fallback');

	my $own = new_number();
	$id = shop("SELECT mfa_send('$own', 'sms', 'login', message => 'mine: {code}')");
	text_of($own);
	shop("SELECT mfa_resend('$id', 'voice')");
	is(text_of($own, 2), 'mine: C O D E. mine: C O D E.', "a call's own message is for every channel");
	shop('RESET mfa.webotp_domain');
};

subtest 'test recipients' => sub {
	shop("INSERT INTO mfa.test_recipient VALUES ('+14155550199', '424242'), ('review\@example.com', 'Zoo1')");
	my $before = shop('SELECT count(*) FROM mfa.message');
	shop("SET mfa.send_limit = '1/1d'; SET mfa.send_limit_database = '1/1d'; SET mfa.send_limit_destination = '1/1d'");
	my $id = shop("SELECT mfa_send('+1 (415) 555-0199')");
	is(shop("SELECT mfa_send('+14155550199')"), $id, 'no send limit; the same request') for 1 .. 3;
	is(shop("SELECT mfa_verify('+14155550199', '000000')"), 'f', 'a wrong code');
	is(shop("SELECT status || ' ' || attempts_left FROM mfa_check('$id', '000001')"), 'wrong 1', 'attempts count');
	shop("SELECT mfa_resend('$id')");
	is(shop("SELECT mfa_verify('+14155550199', '424242')"), 't', 'the fixed code');
	is(shop("SELECT mfa_verify('+14155550199', '424242')"), 'f', '... once');
	shop("SELECT mfa_send('review\@example.com', 'email')");
	is(shop("SELECT mfa_verify('review\@example.com', 'ZO01')"), 't', 'letters as everywhere');
	is(shop('SELECT count(*) FROM mfa.message'), $before, 'no message');
	is(shop("SELECT coalesce(delivery, 'none') || ' ' || sends FROM mfa_status('$id')"), 'none 0', 'nor in the status');
	shop("RESET mfa.send_limit; RESET mfa.send_limit_database; RESET mfa.send_limit_destination");

	# A live request whose code came by a message is not the one for a fixed code.
	my $to = new_number();
	my $real = shop("SELECT mfa_send('$to')");
	text_of($to);
	shop("INSERT INTO mfa.test_recipient VALUES ('$to', '515151', true)");
	isnt(shop("SELECT mfa_send('$to')"), $real, 'a new request');
	is(shop("SELECT mfa_verify('$to', '515151')"), 't', 'with the fixed code');

	# ... nor does a fixed code get to a phone.
	my $fixed = shop("SELECT mfa_send('$to')");
	shop("DELETE FROM mfa.test_recipient WHERE recipient = '$to'");
	psql_fails($node, 'shop', "SELECT mfa_resend('$fixed')", '55000', 'a fixed code is not sent again');
	isnt(shop("SELECT mfa_send('$to')"), $fixed, 'a new request, with a code of its own');
	text_of($to, 2);
	is(shop("SELECT count(*) FROM mfa.inbox WHERE code = '515151'"), '0', 'no fixed code was sent');

	$node->safe_psql('postgres', 'CREATE DATABASE bare');
	$node->safe_psql('bare', "CREATE EXTENSION mfa; INSERT INTO mfa.test_recipient VALUES ('+14155550100', '111111')");
	$node->safe_psql('bare', "SELECT mfa_send('+14155550100')");
	is($node->safe_psql('bare', "SELECT mfa_verify('+14155550100', '111111')"), 't', 'without any provider');
};

# Without the change of encoding the worker fails, for the text is none of the database's.
subtest 'the inbox of a database whose texts are not UTF-8' => sub {
	$node->safe_psql('postgres', q{CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'});
	$node->safe_psql('latin', q{
		SET client_min_messages = error;
		CREATE EXTENSION mfa;
		CREATE SERVER inbox FOREIGN DATA WRAPPER mfa_inbox;
		CREATE USER MAPPING FOR PUBLIC SERVER inbox;
		SET mfa.provider = 'inbox';
		SELECT mfa_send('+14155550123', message => U&'F\\00FCr {code}')});
	wait_for(sub { sql($node, 'latin', 'SELECT count(*) FROM mfa.inbox') eq '1' }, 'the message');
	is(sql($node, 'latin', q{SELECT replace(body, code, 'CODE') FROM mfa.inbox}), 'F?r CODE', 'what is not ASCII is a question mark');
};

subtest 'the inbox is as old as its requests' => sub {
	wait_for_workers($node, 0); # the next one purges when it starts
	shop("UPDATE mfa.request SET expires_at = now() - interval '2 days'");
	sent_text("'sms'");
	wait_for(sub { shop('SELECT count(*) FROM mfa.inbox') <= 1 }, 'the old ones are gone');
	pass('purged');
};

check_log($node, 'nothing else in the log to worry about', 0,
	qr/mfa sends no messages|mfa_inbox send no messages|permission denied for schema mfa|locale "tlx"|webotp_domain is not set|has a fixed code/);
done_testing();
