# What a provider reports of a message's price stands in for the price of mfa.price: once, whenever it comes,
# and whatever happens to the workers.
#
# With the table's price counted along with it: "not ok - the answer's price". Without the check of the currency:
# "not ok - another currency is ignored". Without the difference to what was counted before, or without noting
# that: timed out waiting for the first look-up's price. With a price at unknown outcomes: "not ok - each once".
# With a price for the message's own state only: timed out waiting for the price although a report was first.
# Without the budgets' look: timed out waiting for the log.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use JSON::PP ();
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $gateway = start_gateway();
my $node = start_cluster('main', 'mfa.currency' => 'EUR', 'mfa.unknown_retries' => 10);
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', 'CREATE EXTENSION mfa');

sub shop { return sql($node, 'shop', $_[0]) }

my %mappings = (
	twilio => "account_sid 'AC01', auth_token 'secret'",
	telnyx => "api_key 'KEY'",
	vonage => "api_key 'k', api_secret 'secret'",
	infobip => "api_key 'k'");

# A server of its own for each case: what was sent through it, and what that costs.
sub server
{
	my ($name, $kind, $more) = @_;
	my $url = $gateway->base_url . "/generic/$name";
	shop("CREATE SERVER $name FOREIGN DATA WRAPPER mfa_$kind OPTIONS (sender '+15550100', base_url '$url'" . ($more // '') . ')');
	shop("CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS ($mappings{$kind})");
	return;
}

# What it answers to messages, and to look-ups.
my @answers;
sub answers
{
	my ($name, $status, $answer, $look) = @_;
	@answers = grep { $_->{path} ne "/generic/$name*" } @answers;
	push @answers, { path => "/generic/$name*", method => 'POST', status => $status, body => $answer };
	push @answers, { path => "/generic/$name*", method => 'GET', status => 200, body => $look } if $look;
	$gateway->call(POST => 'generic', { answers => \@answers });
	return;
}

sub send_by { return shop("SELECT mfa_send('" . new_number() . "', provider => '$_[0]')") }

sub cost { return shop("SELECT sum(messages) || ' cost ' || round(sum(cost), 6) FROM mfa.usage WHERE provider = '$_[0]'") }

sub sent_by
{
	my ($name) = @_;
	wait_for_state($node, 'shop', send_by($name), 'sent|delivered');
	return cost($name);
}

shop(q{INSERT INTO mfa.price (prefix, per_segment, per_request) VALUES ('', 0.5, 0.04)});

my $vonage = '{"message-count":"1","messages":[{"status":"0","message-id":"{id}","message-price":"%s"}]}';
my $telnyx = '{"data":{"id":"{id}","cost":{"amount":"%s","currency":"%s"},"to":[{"status":"queued"}]}}';
my $twilio = '{"sid":"{id}","status":"%s","price":%s,"price_unit":"EUR"}';

subtest 'in the answer' => sub {
	server(said => 'vonage', ", currency 'EUR'");
	answers(said => 200, sprintf $vonage, '0.03330000');
	is(sent_by('said'), '1 cost 0.073300', "the answer's price");
	answers(said => 200, sprintf $vonage, '0.0400005');
	is(sent_by('said'), '2 cost 0.153301', 'and that of another one');
	answers(said => 200, sprintf $vonage, 'NaN');
	is(sent_by('said'), '3 cost 0.693301', 'what is no price is ignored');

	server(unsaid => 'vonage');
	answers(unsaid => 200, sprintf $vonage, '0.03330000');
	is(sent_by('unsaid'), '1 cost 0.540000', 'without a currency it is none');

	server(abroad => 'telnyx', ", state_lookup 'off'");
	answers(abroad => 200, sprintf $telnyx, '0.0051', 'USD');
	is(sent_by('abroad'), '1 cost 0.540000', 'another currency is ignored');
	answers(abroad => 200, sprintf $telnyx, '0.0051', 'EUR');
	is(sent_by('abroad'), '2 cost 0.585100', '... and the right one is not');

	server(down => 'vonage', ", currency 'EUR'");
	answers(down => 200, '{"messages":[{"status":"5","message-price":"7"}]}');
	shop(q{INSERT INTO mfa.route (prefix, providers) VALUES ('+49', '{down, abroad}')});
	my $id = shop(q{SELECT mfa_send('+4930231250')});
	is(wait_for_state($node, 'shop', $id, 'sent')->{provider}, 'abroad', 'another provider takes it');
	is(cost('abroad'), '3 cost 0.630200', 'at its price');
	is(cost('down'), '', 'and the one that did not, costs nothing');
};

subtest 'in a look-up' => sub {
	server(late => 'twilio');
	answers(late => 201, sprintf($twilio, 'queued', 'null'), sprintf($twilio, 'sent', 'null'));
	my $id = send_by('late');
	wait_for_state($node, 'shop', $id, 'sent');
	is(cost('late'), '1 cost 0.540000', 'the price of the table, at first');
	answers(late => 201, sprintf($twilio, 'queued', 'null'), sprintf($twilio, 'sent', '"-0.01000"'));
	wait_for(sub { cost('late') eq '1 cost 0.050000' }, "the first look-up's price");
	answers(late => 201, sprintf($twilio, 'queued', 'null'), sprintf($twilio, 'delivered', '"-0.75000"'));
	wait_for_state($node, 'shop', $id, 'delivered');
	is(cost('late'), '1 cost 0.790000', "the look-up's price");
	is(shop("SELECT cost FROM mfa.message WHERE request = '$id'"), 750000, '... is in its message');

	answers(late => 201, sprintf($twilio, 'queued', 'null'), sprintf($twilio, 'delivered', 'null'));
	wait_for_state($node, 'shop', send_by('late'), 'delivered');
	is(cost('late'), '2 cost 1.330000', 'without one, that of the table stays');
	answers(late => 201, sprintf($twilio, 'queued', 'null'), sprintf($twilio, 'undelivered', '"0"'));
	wait_for_state($node, 'shop', send_by('late'), 'undelivered');
	is(cost('late'), '3 cost 1.370000', 'one that did not arrive may cost nothing');

	server(parts => 'infobip');
	my $log = '{"results":[{"status":{"groupName":"DELIVERED"},"messageCount":2,"price":{"pricePerMessage":0.03,"currency":"EUR"}}]}';
	answers(parts => 200, '{"messages":[{"messageId":"{id}","status":{"groupId":1}}]}', $log);
	wait_for_state($node, 'shop', send_by('parts'), 'delivered');
	is(cost('parts'), '1 cost 0.100000', 'of each part');
};

subtest 'a webhook comes first' => sub {
	server(slow => 'twilio');
	answers(slow => 201, sprintf($twilio, 'queued', 'null'), sprintf($twilio, 'delivered', '"-0.25"'));
	$gateway->faults({ match => { method => 'GET' }, action => { delay_ms => 3000 } });
	my $id = send_by('slow');
	my $row = wait_for_state($node, 'shop', $id, 'sent');
	wait_for(sub { $gateway->call(GET => 'stats')->{in_flight} > 0 }, 'a look-up to be on its way');
	is(shop("SELECT mfa_delivery_report('slow', '$row->{message_id}', 'delivered')"), 't', 'the report');
	wait_for(sub { cost('slow') eq '1 cost 0.290000' }, "the look-up's price, although a report was first");
	is(message_row($node, 'shop', $id)->{state}, 'delivered', 'and the state stands');
	$gateway->faults();
};

subtest 'budgets follow' => sub {
	server(dear => 'twilio');
	answers(dear => 201, sprintf($twilio, 'queued', 'null'), sprintf($twilio, 'delivered', '"-7"'));
	shop(q{INSERT INTO mfa.route (prefix) VALUES ('+4420')});
	shop(q{INSERT INTO mfa.budget (name, period, destination, amount) VALUES ('london', 'day', '+4420', 5)});
	my $id = shop(q{SELECT mfa_send('+442079460101', provider => 'dear')});
	wait_for_state($node, 'shop', $id, 'delivered');
	psql_fails($node, 'shop', q{SELECT mfa_send('+442079460102', provider => 'dear')}, 'MF003', 'the price of a look-up uses it up');
	wait_for(sub { slurp_file($node->logfile) =~ /LOG:  budget "london" of mfa: 141 % of this day are spent/ }, 'the log to say so');
};

# What a worker had in flight is sent again, or looked up again, by the next one.
subtest 'workers that are terminated' => sub {
	server(killed => 'twilio');
	my $are = sub { shop("SELECT count(*) FROM mfa.message WHERE provider = 'killed' AND state = '$_[0]'") };
	my $terminate = sub {
		shop(q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'mfa delivery worker'});
	};
	answers(killed => 201, sprintf($twilio, 'queued', '"-0.02"'), sprintf($twilio, 'sent', 'null'));
	$gateway->faults({ match => { method => 'POST' }, action => { delay_ms => 5000 }, accept => JSON::PP::true });
	shop("SELECT count(mfa_send('+1212555' || lpad(n::text, 4, '0'), provider => 'killed')) FROM generate_series(1, 60) n");
	wait_for(sub { $gateway->call(GET => 'stats')->{in_flight} > 0 }, 'messages to be on their way');
	$terminate->();
	wait_for(sub { shop(q{SELECT sum(unknown) > 0 FROM mfa.usage WHERE provider = 'killed'}) eq 't' }, 'some to be unknown');
	$gateway->faults();
	wait_for(sub { $are->('sent') == 60 }, 'all to be sent', 90);
	for my $round (1 .. 15)
	{
		$terminate->();
		answers(killed => 201, '{}', sprintf($twilio, 'sent', '"-0.0' . (2 + $round % 7) . '"'));
		sleep 0.3;
	}
	answers(killed => 201, '{}', sprintf($twilio, 'delivered', '"-0.0075"'));
	shop(q{UPDATE mfa.message SET due_at = now() WHERE provider = 'killed' AND state = 'sent'}); # not in half a minute
	send_by('said'); # wakes the worker
	wait_for(sub { $are->('delivered') == 60 }, 'all to be delivered', 90);
	is(cost('killed'), '60 cost ' . sprintf('%.6f', 60 * (0.04 + 0.0075)), 'each once');
};

check_log($node, 'nothing in the log to worry about', 0, qr/budget "london" is used up|terminating background worker|terminating connection due to administrator/);
done_testing();
