# The fraud guard holds a prefix back because nobody verifies there. It only judges requests that are two
# minutes old, so this waits for two minutes: it is among the first, for others to run meanwhile.
#
# Without the worker's question: dies waiting for the next to be held back.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
my $node = start_cluster('main', 'mfa.fraud_guard' => 'enforce');
make_database($node, 'slow', $gateway);

sql($node, 'slow', q{SELECT count(mfa_send('+1503555' || n)) FROM generate_series(1000, 1039) n});
wait_for(sub { sql($node, 'slow', q{SELECT count(*) FROM mfa.message WHERE state = 'sent'}) eq '40' }, 'all to be sent', 30);
sleep 121;
sql($node, 'slow', q{SELECT mfa_send('+15035552000')});
wait_for(sub { sql($node, 'slow', q{SELECT count(*) FROM mfa.message WHERE state = 'failed'}) eq '1' }, 'the next to be held back', 30);
is(sql($node, 'slow', q{SELECT concat_ws(' ', prefix, reason, requests, verified, usual_conversion, date_trunc('second', held_until - held_since)) FROM mfa.holds}),
	'+1503555 conversion 40 0 0.600 00:15:00', 'nobody has verified any of forty');
like(slurp_file($node->logfile), qr/Of 40 requests 0 were verified, where 60 % are usual/, 'the log says so');

done_testing();
