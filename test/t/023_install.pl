# What make install puts where: only what belongs to the extension, the same and without a word when it is
# done again, and nothing that make uninstall leaves behind.
#
# With a file that only install knows of, "not ok - library, control file, scripts: nothing else" and "not ok -
# nothing is left". With a recipe that prints, "not ok - make install, without a word".

use strict;
use warnings FATAL => 'all';

use File::Basename qw(dirname);
use File::Find qw(find);
use FindBin;
use IPC::Run qw(run);
use PostgreSQL::Test::Utils;
use Test::More;

# Which of the two is set depends on PostgreSQL's version.
my $build = $ENV{TESTDIR} // dirname($ENV{TESTDATADIR} // '');
my $source = "$FindBin::RealBin/../..";
plan skip_all => 'nothing was built here' unless -e "$build/mfa.so" && -e "$source/Makefile";

my $root = PostgreSQL::Test::Utils::tempdir();

# Asks for a target; tells what was printed. The make that runs these tests has options of its own.
sub make
{
	my ($target) = @_;
	local @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
	my @makefile = -e "$build/Makefile" ? () : ('-f', "$source/Makefile");
	my $output;
	run([ 'make', '-s', '-C', $build, @makefile, $target, "DESTDIR=$root", 'PG_CONFIG=pg_config' ], '>&', \$output)
	  or die "make $target: $output";
	return $output;
}

# Files there: their mode and what is in them.
sub installed
{
	my %files;
	find({ no_chdir => 1, wanted => sub {
		-f or return;
		$files{ substr $_, length $root } = sprintf '%o %s', (stat)[2] & 0777, slurp_file($_);
	} }, $root);
	return \%files;
}

sub directory { chomp(my $path = `pg_config --$_[0]`); return $path }

my %expected = (
	directory('pkglibdir') . '/mfa.so' => "$build/mfa.so",
	map { (directory('sharedir') . '/extension/' . s{.*/}{}r) => $_ } "$source/mfa.control", glob "$source/sql/mfa--*.sql");

is(make('install'), '', 'make install, without a word');
my $first = installed();
is_deeply([ sort keys %$first ], [ sort keys %expected ], 'library, control file, scripts: nothing else');
for my $path (sort keys %expected)
{
	my ($mode, $content) = split / /, $first->{$path} // ' ', 2;
	ok($content eq slurp_file($expected{$path}), "$path is what was built");
	like($mode, qr/^[67][45][45]$/, '... for everybody to read, for its owner to change');
}
is(make('install'), '', 'and again, without a word');
is_deeply(installed(), $first, 'which changes nothing');
is(make('uninstall'), '', 'make uninstall, without a word');
is_deeply(installed(), {}, 'nothing is left');
is(make('uninstall'), '', 'and again');
done_testing();
