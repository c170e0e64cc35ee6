# ALTER EXTENSION mfa UPDATE: from every version that there has been, what comes out is what CREATE EXTENSION
# makes. The scripts of released versions stay in sql/, and are tested here as long as they do.
#
# With an upgrade script that forgets a REVOKE, a comment, or the place of a column, "not ok - ... is what a new
# one is". With a version from which no scripts lead on, "not ok - a way from each version to the newest". With
# tables that the scripts make anew, "not ok - ... the configuration is still there". Without the look at a table's
# columns in catalog::open_table, "not ok - ... mfa_send says so" and the others.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_cluster('main');

# All that the extension consists of, a line each property that a script sets: what functions, tables, columns,
# constraints, indexes, triggers, views, wrappers and rows to be dumped are like, who may do what, and comments.
my $describe = q{
	WITH member AS (
		SELECT classid, objid, (pg_identify_object(classid, objid, 0)).identity AS name
		FROM pg_depend
		WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
			AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'mfa')),
	relation AS (SELECT * FROM member JOIN pg_class c ON c.oid = objid WHERE classid = 'pg_class'::regclass)
	SELECT concat_ws(' ', 'member', classid::regclass, name, 'comment', obj_description(objid, classid::regclass::name))
	FROM member
	UNION ALL
	SELECT concat_ws(' ', 'initial privileges', m.name, p.objsubid, p.initprivs)
	FROM member m JOIN pg_init_privs p ON p.classoid = m.classid AND p.objoid = m.objid
	UNION ALL
	SELECT concat_ws(' ', 'function', name, proacl, pg_get_functiondef(objid))
	FROM member JOIN pg_proc p ON p.oid = objid WHERE classid = 'pg_proc'::regclass
	UNION ALL
	SELECT concat_ws(' ', 'relation', name, relkind, relpersistence, relrowsecurity, reloptions, relacl,
		CASE relkind WHEN 'v' THEN pg_get_viewdef(objid) END) FROM relation
	UNION ALL
	SELECT concat_ws(' ', 'column', name, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attcollation,
		attstorage, attcompression, attacl, pg_get_expr(adbin, adrelid), col_description(objid, attnum))
	FROM relation JOIN pg_attribute ON attrelid = objid AND attnum > 0
		LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
	UNION ALL
	SELECT concat_ws(' ', 'constraint', name, conname, pg_get_constraintdef(o.oid))
	FROM relation JOIN pg_constraint o ON conrelid = objid
	UNION ALL
	SELECT concat_ws(' ', 'index', name, pg_get_indexdef(indexrelid)) FROM relation JOIN pg_index ON indrelid = objid
	UNION ALL
	SELECT concat_ws(' ', 'trigger', name, pg_get_triggerdef(t.oid)) FROM relation JOIN pg_trigger t ON tgrelid = objid
	UNION ALL
	SELECT concat_ws(' ', 'wrapper', name, fdwvalidator::regprocedure, fdwhandler, fdwoptions, fdwacl)
	FROM member JOIN pg_foreign_data_wrapper w ON w.oid = objid WHERE classid = 'pg_foreign_data_wrapper'::regclass
	UNION ALL
	SELECT concat_ws(' ', 'schema', nspname, nspacl)
	FROM member JOIN pg_namespace n ON n.oid = objid WHERE classid = 'pg_namespace'::regclass
	UNION ALL
	SELECT concat_ws(' ', 'dumped', c.table::regclass, c.condition)
	FROM pg_extension, unnest(extconfig, extcondition) AS c ("table", condition) WHERE extname = 'mfa'
	UNION ALL
	SELECT concat_ws(' ', 'extension', extversion, extrelocatable) FROM pg_extension WHERE extname = 'mfa'
	ORDER BY 1};

# The properties that only one of two databases has.
sub differences
{
	my ($database, $other) = @_;
	my ($lines, $other_lines) = map { [ split /\n(?=[a-z ]+ )/, sql($node, $_, $describe) ] } $database, $other;
	my %count;
	$count{$_}++ for @$lines;
	$count{$_}-- for @$other_lines;
	return join "\n", map { ($count{$_} > 0 ? "$database: " : "$other: ") . $_ } grep { $count{$_} } sort keys %count;
}

sub create
{
	my ($database, $version) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION mfa' . ($version ? " VERSION '$version'" : ''));
	return;
}

create('new');
cmp_ok(scalar(split /\n/, sql($node, 'new', $describe)), '>', 300, 'there is something to compare');
like(sql($node, 'new', $describe), qr/^dumped mfa\.route/m, '... to the last kind');

my $newest = sql($node, 'new', q{SELECT default_version FROM pg_available_extensions WHERE name = 'mfa'});
is(sql($node, 'new', qq{
	SELECT string_agg(source, ' ') FROM pg_extension_update_paths('mfa') WHERE target = '$newest' AND path IS NULL}),
	'', 'a way from each version to the newest');

my @versions = map { m{/mfa--((?:(?!--).)+)\.sql$} } glob "$FindBin::RealBin/../../sql/mfa--*.sql";
ok((grep { $_ eq $newest } @versions), "$newest has a script of its own");

for my $version (@versions)
{
	my $database = "from_$version" =~ s/\W/_/gr;
	create($database, $version);
	$node->safe_psql($database, q{
		INSERT INTO mfa.route (prefix, remark) VALUES ('+1', 'kept');
		ALTER EXTENSION mfa UPDATE;
		INSERT INTO mfa.test_recipient (recipient, code) VALUES ('+9991234567', '424242')});
	is(differences($database, 'new'), '', "what $version becomes is what a new one is");
	is(sql($node, $database, 'SELECT prefix, remark FROM mfa.route'), '+1|kept', '... the configuration is still there');
	is(sql($node, $database, q{SELECT mfa_verify(mfa_send('+9991234567')::text, '424242')}), 't',
		'... it sends and verifies');
}

# Before ALTER EXTENSION UPDATE the library knows other tables than there are; after it, until the restart.
subtest 'library and tables of different versions' => sub {
	create('other');
	$node->safe_psql('other', q{INSERT INTO mfa.test_recipient (recipient, code) VALUES ('+9991234567', '424242')});
	my $id = sql($node, 'other', q{SELECT mfa_send('+9991234567')});
	$node->safe_psql('other', 'ALTER TABLE mfa.request ADD later integer');
	my $before = sql($node, 'other', 'SELECT * FROM mfa.request');
	psql_fails($node, 'other', "SELECT $_", '55000', '... ' . s/\(.*//r . ' says so')
	  for q{mfa_send('+9991234567')}, q{mfa_verify('+9991234567', '424242')}, "mfa_check('$id'::uuid, '424242')",
	  "mfa_resend('$id')", "mfa_cancel('$id')", "mfa_status('$id')";
	is(sql($node, 'other', 'SELECT * FROM mfa.request'), $before, 'and nothing is changed');
};

subtest 'a worker that does not know a table' => sub {
	create('waits');
	$node->safe_psql('waits', q{
		CREATE SERVER inbox FOREIGN DATA WRAPPER mfa_inbox;
		CREATE USER MAPPING FOR PUBLIC SERVER inbox;
		ALTER DATABASE waits SET mfa.provider = 'inbox'});
	my $offset = -s $node->logfile;
	$node->safe_psql('waits', q{
		BEGIN;
		SELECT mfa_send('+14155550123');
		ALTER TABLE mfa.message RENAME TO renamed;
		COMMIT});
	wait_for(sub { slurp_file($node->logfile, $offset) =~ /ERROR:  relation mfa.message does not exist/ }, 'a worker that fails');
	$node->safe_psql('waits', 'ALTER TABLE mfa.renamed RENAME TO message');
	wait_for(sub { sql($node, 'waits', 'SELECT state FROM mfa.message') eq 'sent' }, 'the message');
	is(sql($node, 'waits', 'SELECT count(*) FROM mfa.inbox'), 1, 'its message waits, and leaves afterwards');
};

check_log($node, 'nothing in the log', 0, qr/of another version of mfa|inbox|relation mfa.message does not exist/);
done_testing();
