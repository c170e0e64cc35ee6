# Sessions remember which tables of configuration are empty. The first row of each counts from its commit on, in
# every session, in the middle of its transaction too, and whatever way the row has come.
#
# Without the triggers: "not ok - budget: in a session that knew the table as empty". Not enabled ALWAYS: "not ok
# - a row that replication applies". Without a look at the news before each use: "not ok - route: in the middle of
# a transaction".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use Test::More;

my $node = start_cluster('main');
make_inbox_database($node, 'shop');
$node->safe_psql('shop', q{
	INSERT INTO mfa.usage_total (day, provider, channel, destination, cost)
		VALUES ((now() AT TIME ZONE 'UTC')::date, 'inbox', 'sms', '+1', 10);
});

# A session of its own for each case: it has sent when all was empty.
sub fresh
{
	my $session = $node->background_psql('shop', on_error_stop => 0, timeout => 60);
	is(answer($session, sending()), 'sent', 'sent');
	return $session;
}

sub sending { return "SELECT 'sent' WHERE mfa_send('" . new_number() . "') IS NOT NULL" }

# Of a session: the answer, or else the error's code.
sub answer
{
	my ($session, $query) = @_;
	my $answer = $session->query("\\set VERBOSITY sqlstate\n$query;");
	my ($state) = ($session->{stderr} // '') =~ /ERROR:  (\w+)/;
	$session->{stderr} = '';
	return $state // $answer;
}

my %refusal = (
	route => [ q{INSERT INTO mfa.route (prefix, allow) VALUES ('+1', false)}, 'MF002' ],
	budget => [ q{INSERT INTO mfa.budget (name, period, amount) VALUES ('all', 'day', 10)}, 'MF003' ],
	template => [ q{INSERT INTO mfa.template (body) VALUES (repeat('x', 155) || '{code}')}, '22023' ]);
for my $table (sort keys %refusal)
{
	my ($insert, $state) = @{ $refusal{$table} };

	my $session = fresh();
	$node->safe_psql('shop', $insert);
	is(answer($session, sending()), $state, "$table: in a session that knew the table as empty");
	$node->safe_psql('shop', "DELETE FROM mfa.$table");
	is(answer($session, sending()), 'sent', "$table: and its end");
	$session->quit;

	$node->safe_psql('shop', "TRUNCATE mfa.$table");
	$session = fresh();
	is(answer($session, 'BEGIN; ' . sending()), 'sent', "$table: before");
	$node->safe_psql('shop', $insert);
	is(answer($session, sending()), $state, "$table: in the middle of a transaction");
	answer($session, 'ROLLBACK');
	$node->safe_psql('shop', "TRUNCATE mfa.$table");

	is(answer($session, 'BEGIN; ' . sending()), 'sent', "$table: empty again");
	answer($session, "SAVEPOINT s; $insert");
	is(answer($session, sending()), $state, "$table: a row of its own");
	answer($session, 'ROLLBACK TO s');
	is(answer($session, sending()), 'sent', "$table: which is rolled back");
	answer($session, 'COMMIT');
	$node->safe_psql('shop', "TRUNCATE mfa.$table");

	is(answer($session, sending()), 'sent', "$table: empty once more");
	$node->safe_psql('shop', "SET session_replication_role = replica; $insert");
	is(answer($session, sending()), $state, "$table: a row that replication applies");
	$session->quit;
	$node->safe_psql('shop', "TRUNCATE mfa.$table");
}

my $session = fresh();
$node->safe_psql('shop', q{INSERT INTO mfa.test_recipient (recipient, code) VALUES ('+14155550199', '424242')});
is(answer($session, q{SELECT 'sent' WHERE mfa_send('+14155550199') IS NOT NULL}), 'sent', 'test_recipient: sent');
is(answer($session, q{SELECT mfa_verify('+14155550199', '424242')}), 't', 'test_recipient: with its code');
$session->quit;

check_log($node, 'no errors but those', 0, qr/are not allowed|is used up|characters|mfa_inbox|server "inbox"/);

done_testing();
