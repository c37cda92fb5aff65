#!/usr/bin/perl
# DBD::Pg: a process per connection. A statement handle prepares under a name when it is run the second time.
use strict;
use warnings;
use utf8;
use DBI;
use DBD::Pg qw(:pg_types);

my $connections = 8;
$| = 1;

sub fail {
    my ($number, $line, $question, $expected, $came) = @_;
    printf "connection %d, line %d: %.300s\n  expected: %.300s\n  came:     %.600s\n",
        $number, $line, $question, join(' | ', @$expected), $came;
    exit 1;
}

sub bind_value {
    my ($statement, $place, $field) = @_;
    my ($kind, $text) = (substr($field, 0, 1), substr($field, 1));
    if ($kind eq 'n') { $statement->bind_param($place, undef) }
    elsif ($kind eq 'x') { $statement->bind_param($place, pack('H*', $text), { pg_type => PG_BYTEA }) }
    elsif ($kind =~ /[IT]/) {
        $statement->bind_param($place, [map { $_ eq 'NULL' ? undef : $_ } split /,/, $text]);
    }
    else { $statement->bind_param($place, $text) }
}

sub shown {
    my ($cell, $type) = @_;
    return '\N' unless defined $cell;
    return '{' . join(',', map { $_ // 'NULL' } @$cell) . '}' if ref $cell;
    return '\x' . unpack('H*', $cell) if $type eq 'bytea';
    return $cell;
}

sub run_statement {
    my ($statement, @fields) = @_;
    bind_value($statement, $_ + 1, $fields[$_]) for 0 .. $#fields;
    $statement->execute;
    return unless $statement->{NUM_OF_FIELDS};
    my @types = @{ $statement->{pg_type} };
    my @rows = @{ $statement->fetchall_arrayref };
    return map { my $row = $_; join "\t", map { shown($row->[$_], $types[$_]) } 0 .. $#types } @rows;
}

sub many {
    my ($dbh, $sql, @fields) = @_;
    my $statement = $dbh->prepare($sql);
    my @set;
    for my $field (@fields, ';') {
        if ($field ne ';') { push @set, $field; next }
        run_statement($statement, @set);
        @set = ();
    }
    return;
}

sub fails {
    my ($dbh, $sql, @fields) = @_;
    return 'no error' if eval { run_statement($dbh->prepare($sql), @fields); 1 };
    return $dbh->state;
}

my %answers = (
    ask => sub { my ($dbh, $sql, @fields) = @_; run_statement($dbh->prepare($sql), @fields) },
    prepared => sub { my ($dbh, $sql, @fields) = @_; run_statement($dbh->prepare_cached($sql), @fields) },
    plain => sub {
        my ($dbh, $sql) = @_;
        return run_statement($dbh->prepare($sql)) if $sql =~ /^(SELECT|SHOW|EXECUTE)/;
        $dbh->do($sql);
        return;
    },
    many => \&many,
    fails => \&fails,
    begin => sub { $_[0]->begin_work; return },
    commit => sub { $_[0]->commit; return },
    rollback => sub { $_[0]->rollback; return },
);
$answers{stream} = $answers{ask};
$answers{aborted} = $answers{fails};

sub play {
    my ($number) = @_;
    my $dbh = eval { DBI->connect('dbi:Pg:', undef, undef, { RaiseError => 1, PrintError => 0 }) }
        or fail($number, 0, 'connect', [], $@);
    open my $file, '<:encoding(UTF-8)', "$ENV{SCRIPT}.$number" or die $!;
    while (my $line = <$file>) {
        chomp $line;
        my ($question, @expected) = split /\t->\t/, $line, -1;
        my ($what, $sql, @fields) = split /\t/, $question, -1;
        my @came = eval { $answers{$what}->($dbh, $sql, @fields) };
        fail($number, $., $question, \@expected, $@) if $@ && $what !~ /^(fails|aborted)$/;
        fail($number, $., $question, \@expected, join ' | ', @came)
            unless @came == @expected && !grep { $came[$_] ne $expected[$_] } 0 .. $#expected;
    }
    $dbh->disconnect;
    exit 0;
}

my %children;
for my $number (0 .. $connections - 1) {
    my $pid = fork;
    play($number) unless $pid;
    $children{$pid} = 1;
}
my $failed = 0;
for (keys %children) { wait; $failed ||= $? }
exit 1 if $failed;
my $queries = 0;
for my $number (0 .. $connections - 1) {
    open my $file, '<', "$ENV{SCRIPT}.$number" or die $!;
    $queries++ while <$file>;
}
print "DBD::Pg $DBD::Pg::VERSION: $queries queries, 0 wrong\n";
