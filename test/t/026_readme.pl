# README's Getting started, as somebody does it who copies it: each statement word for word, in a new database,
# and only then the mock provider's address and credentials for those of the placeholders.
#
# With a placeholder that is no valid value ('…'), or a function that is not granted there, "not ok - what a
# superuser does".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my ($section) = slurp_file("$FindBin::RealBin/../../README.md") =~ /^## Getting started\n(.*?)^## /ms;
my ($setup, $use) = $section =~ /^```sql\n(.*?)^```/msg;
my ($number, $shown) = $use =~ /mfa_verify\('(\+\d+)', '(\d+)'\)/;
my ($text) = $use =~ /-- the text: (.*)$/m;
ok($setup && $use && $number && $text, 'there is what is to be done');

my $gateway = start_gateway();
my $node = start_cluster('main', 'mfa.send_limit' => '1/30s, 5/10min, 20/1d', 'mfa.fraud_guard' => 'enforce');
$node->safe_psql('postgres', $_) for 'CREATE DATABASE shop', 'CREATE ROLE app LOGIN';

my $status = $node->psql('shop', $setup, stderr => \my $error);
is("$status $error", '0 ', 'what a superuser does, without an error');

my ($project, $token) = (MfaGateway::PROJECT, MfaGateway::TOKEN);
$node->safe_psql('shop', qq{
	ALTER SERVER signalwire OPTIONS (ADD base_url '@{[ $gateway->base_url ]}', ADD state_lookup 'off');
	ALTER USER MAPPING FOR PUBLIC SERVER signalwire OPTIONS (SET project_id '$project', SET api_token '$token');
});
is(sql($node, 'shop', q{SELECT string_agg(name, ' ') FROM mfa.health WHERE status <> 'ok'}), '', 'all is well');

my @app = ('shop', undef, extra_params => [ '-U', 'app' ], stderr => \$error);
my ($send, $verify) = $use =~ /^(SELECT [^;]*;)/mg;
$app[1] = $send;
is($node->psql(@app), 0, 'as the application: it sends') or diag $error;
my $code = $gateway->code_for($number);
my $got = $gateway->call(GET => "wait?to=%2B" . substr($number, 1) . '&count=1&timeout=10')->{messages}[0]{text};
is($got =~ s/\d{6}/$shown/r, $text, 'the text is the one that is shown');
$app[1] = $verify =~ s/\Q$shown\E/$code/r;
is(join(' ', map { scalar $node->safe_psql(@app[ 0 .. 3 ]) } 1 .. 2), 't f', 'the code is right, once');
check_log($node, 'nothing in the log');
done_testing();
