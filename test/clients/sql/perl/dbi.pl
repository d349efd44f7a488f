#!/usr/bin/perl
# Perl's DBI with DBD::Pg: server-side prepares from the first or second use, types bound, COPY, asynchronous queries, LISTEN.
use strict;
use warnings;
use utf8;
use open qw(:std :utf8);
use DBI;
use DBD::Pg qw(:pg_types :async);
use Digest::MD5 qw(md5_hex);
use Encode qw(encode_utf8);
use JSON::PP;

my ($schema, $instance) = @ENV{qw(SCHEMA INSTANCE)};
my $own_timeout = 5000 + $instance;
my $json = JSON::PP->new->canonical->allow_nonref;
$| = 1;

sub run {
    my ($name, $body) = @_;
    my $got = eval { $body->() };
    if ($@) { print STDERR "case '$name': $@\n"; exit 1 }
    print $json->encode({ case => $name, got => $got }), "\n";
}
sub check { my ($holds, $what) = @_; die "does not hold: $what" unless $holds }

sub connection {
    my %more = @_;
    return DBI->connect("dbi:Pg:dbname=$ENV{PGDATABASE};host=$ENV{PGHOST};port=$ENV{PGPORT};application_name=matrix-$schema;"
        . "options='-c search_path=$schema -c statement_timeout=" . (30000 + $instance) . "'",
        $ENV{PGUSER}, $ENV{PGPASSWORD}, { RaiseError => 1, PrintError => 0, PrintWarn => 0, AutoCommit => 1, pg_enable_utf8 => 1, %more });
}
my $db = connection();
my $other = connection();
sub one { my ($sql, @args) = @_; return ($db->selectrow_array($sql, undef, @args))[0] }
sub rows { my ($sql, @args) = @_; return $db->selectall_arrayref($sql, undef, @args) }
sub other { my ($sql, @args) = @_; return ($other->selectrow_array($sql, undef, @args))[0] }
sub fails {
    my $body = shift;
    my $value = eval { $body->() };
    die 'an error was expected' unless $@;
    return [$db->state, $db->errstr, $db->pg_error_field('severity'), $db->pg_error_field('constraint')];
}

run 'connect', sub {
    check(one('show application_name') eq "matrix-$schema", 'application_name is ours');
    check(one('show statement_timeout') eq (30000 + $instance) . 'ms', 'statement_timeout is ours');
    return [one('show search_path'), @$db{qw(pg_server_version pg_lib_version pg_standard_conforming_strings)}, $db->ping];
};
run 'types', sub {
    my $sth = $db->prepare(q{select ?::int, ?::bool, ?::text, ?::bytea, ?::text[], ?::numeric, 'NaN'::float8, timestamptz '2024-02-29 12:00+02'});
    $sth->bind_param(1, 7, { pg_type => PG_INT4 });
    $sth->bind_param(2, 1, { pg_type => PG_BOOL });
    $sth->bind_param(3, 'ünï ☺');
    $sth->bind_param(4, "\x00\xff", { pg_type => PG_BYTEA });
    $sth->bind_param(5, ['a', undef, 'b"']);
    $sth->bind_param(6, undef);
    $sth->execute;
    my $row = $sth->fetchrow_arrayref;
    return [@$row[0 .. 2], unpack('H*', $row->[3]), @$row[4 .. 7], $sth->{pg_type}, $sth->{NAME}];
};
run 'statements used again', sub {
    my @got;
    my $by_id = $db->prepare('select name from users where id = ?');
    my $now = $db->prepare('select count(*) from orders where user_id > ?', { pg_prepare_now => 1 });
    my $direct = $db->prepare('select count(*) from orders where user_id < ?', { pg_server_prepare => 0 });
    for my $i (1 .. 12) {
        for my $sth ($by_id, $now, $direct) { $sth->execute($i); push @got, $sth->fetchrow_array }
        push @got, one('select email from users where id = $1', $i);
    }
    push @got, fails(sub { $by_id->execute('x') });
    $by_id->execute(3);
    return [@got, $by_id->fetchrow_array];
};
run 'transactions', sub {
    my @got;
    $db->begin_work;
    my $insert = $db->prepare('insert into notes (title, stars) values (?, ?) returning stars');
    $insert->execute('a', 1);
    $db->pg_savepoint('s');
    push @got, fails(sub { $insert->execute('a', 2) }), $db->ping, fails(sub { one('select 1') });
    $db->pg_rollback_to('s');
    $insert->execute('b', 2);
    push @got, one('select count(*) from notes');
    $db->rollback;
    push @got, one('select count(*) from notes');
    $db->{AutoCommit} = 0;
    $db->do("insert into notes (title) values ('kept')");
    $db->commit;
    push @got, $db->do('delete from notes');
    $db->commit;
    $db->{AutoCommit} = 1;
    return \@got;
};
run 'errors', sub { [
    fails(sub { one('selec 1') }), fails(sub { one('select 1 / ?::int', 0) }),
    fails(sub { $db->do('insert into orders (user_id, placed_at) values (999, now())') }),
    fails(sub { $db->do(q{insert into notes (title) values ('gone'); select 1/0}) }), one('select count(*) from notes'),
] };
run 'SET, SET LOCAL, RESET', sub {
    $db->do("set statement_timeout = $own_timeout");
    $db->do("set time zone 'Asia/Tokyo'");
    check(one('show statement_timeout') eq "${own_timeout}ms", 'SET stays with its client') for 1 .. 20;
    my @got = one(q{select (timestamptz '2024-01-01 00:00+00')::text});
    $db->begin_work;
    $db->do("set local time zone 'Europe/Riga'");
    push @got, one('show timezone');
    $db->commit;
    push @got, one('show timezone');
    $db->do('reset all');
    check(one('show statement_timeout') eq (30000 + $instance) . 'ms', 'RESET gives the start-up value');
    return [@got, one('show timezone')];
};
run 'temporary table, WITH HOLD cursor, advisory lock', sub {
    $db->do('create temp table boom (id int, who int)');
    my $insert = $db->prepare('insert into boom values (?, ?)');
    $insert->execute($_, $instance) for 1 .. 10;
    my @got = (rows('select count(*), sum(id) from boom where who = ?', $instance));
    $db->do('drop table boom');
    $db->do('declare held cursor with hold for select id from users order by id');
    push @got, rows('fetch 3 from held'), one('select 1'), rows('fetch 2 from held');
    $db->do('close held');
    my $key = 7000 + $instance;
    return [@got, one('select pg_try_advisory_lock(?)', $key), other('select pg_try_advisory_xact_lock(?)', $key), one('select pg_advisory_unlock(?)', $key)];
};
run 'LISTEN and NOTIFY', sub {
    $db->do("listen room_$instance");
    $other->do("notify room_$instance, 'one'");
    other('select pg_notify(?, ?)', "room_$instance", 'two');
    my @got;
    my $end = time + 20;
    while (@got < 2) {
        check(time < $end, 'two notifications within 20 s');
        my $notify = $db->pg_notifies or next;
        push @got, $notify->[2];
    }
    $db->do('unlisten *');
    return \@got;
};
run 'COPY', sub {
    $db->do('copy notes (title, body) from stdin');
    $db->pg_putcopydata($_) for "x\t\\N\n", "y\tünï\n";
    $db->pg_putcopyend;
    $db->do('copy (select title, body from notes order by title) to stdout csv');
    my ($line, @lines);
    push @lines, $line while $db->pg_getcopydata($line) >= 0;
    $db->do('copy notes (title, stars) from stdin');
    $db->pg_putcopydata("z\tnot a number\n");
    my $bad = fails(sub { $db->pg_putcopyend });
    return [\@lines, $bad, $db->do('delete from notes')];
};
run 'asynchronous query, cancel', sub {
    my $sth = $db->prepare('select ?::int + 1', { pg_async => PG_ASYNC });
    $sth->execute(41);
    my @got = ($db->pg_result, $sth->fetchrow_array);
    my $mark = "mark-$schema";
    $db->do("select pg_sleep(30), '$mark'", { pg_async => PG_ASYNC });
    my $end = time + 20;
    until (other("select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%$mark%'")) {
        check(time < $end, 'it runs within 20 s');
    }
    push @got, $db->pg_cancel, one('select 5');
    return \@got;
};
run 'N+1 and eager', sub {
    my @loop = map { rows('select id, total from orders where user_id = ? order by id', $_->[0]) } @{ rows('select id from users order by id limit 15') };
    return [\@loop, rows('select user_id, count(*) from orders where user_id = any(?) group by 1 order by 1', [1, 2, 3])];
};
run 'big parameter, many rows', sub {
    my ($seed, @parts) = (12345);
    for my $i (1 .. 150000) { $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; push @parts, sprintf('%x-привет-%d', $seed, $i % 10) }
    my $text = join "\n", @parts;
    my ($back, $digest) = $db->selectrow_array('select ?::text, md5(?)', undef, $text, $text);
    my $many = rows(q{select i, repeat('x', 20) from generate_series(1, 100000) i});
    return [$back eq $text ? 1 : 0, $digest eq md5_hex(encode_utf8($text)) ? 1 : 0, scalar @$many];
};
run 'end', sub { $db->disconnect; $other->disconnect; return $db->ping };
