<?php
// pdo_pgsql: a process per connection. Every statement is prepared under a name, and deallocated by SQL.
// Arrays are texts to it.
declare(strict_types=1);

const CONNECTIONS = 8;

function fail(int $number, int $line, string $question, array $expected, string $came): never
{
    printf("connection %d, line %d: %.300s\n  expected: %.300s\n  came:     %.600s\n",
        $number, $line, $question, implode(' | ', $expected), $came);
    exit(1);
}

function bind(PDOStatement $statement, int $place, string $field): void
{
    $text = substr($field, 1);
    match ($field[0]) {
        'n' => $statement->bindValue($place, null, PDO::PARAM_NULL),
        'i' => $statement->bindValue($place, (int)$text, PDO::PARAM_INT),
        'x' => $statement->bindValue($place, hex2bin($text), PDO::PARAM_LOB),
        'I', 'T' => $statement->bindValue($place, '{' . $text . '}'),
        default => $statement->bindValue($place, $text),
    };
}

function shown(mixed $cell): string
{
    if ($cell === null) return '\N';
    return is_resource($cell) ? '\x' . bin2hex(stream_get_contents($cell)) : (string)$cell;
}

function rows(PDOStatement $statement): array
{
    $rows = $statement->columnCount() ? $statement->fetchAll(PDO::FETCH_NUM) : [];
    return array_map(fn($row) => implode("\t", array_map('shown', $row)), $rows);
}

class Client
{
    private PDO $pdo;
    private array $kept = [];

    public function __construct()
    {
        $target = 'pgsql:host=' . getenv('PGHOST') . ';port=' . getenv('PGPORT') . ';dbname=' . getenv('PGDATABASE');
        $this->pdo = new PDO($target, getenv('PGUSER'), getenv('PGPASSWORD'));
    }

    private function run(PDOStatement $statement, array $fields): array
    {
        foreach ($fields as $k => $field) bind($statement, $k + 1, $field);
        $statement->execute();
        return rows($statement);
    }

    public function ask(string $sql, array $fields): array { return $this->run($this->pdo->prepare($sql), $fields); }

    public function stream(string $sql, array $fields): array { return $this->ask($sql, $fields); }

    public function prepared(string $sql, array $fields): array
    {
        return $this->run($this->kept[$sql] ??= $this->pdo->prepare($sql), $fields);
    }

    public function plain(string $sql): array { return rows($this->pdo->query($sql)); }

    public function many(string $sql, array $fields): array
    {
        $statement = $this->pdo->prepare($sql);
        for ($set = []; $fields; ) {
            $field = array_shift($fields);
            if ($field !== ';') $set[] = $field;
            if ($field !== ';' && $fields) continue;
            $this->run($statement, $set);
            $set = [];
        }
        return [];
    }

    public function fails(string $sql, array $fields): array
    {
        try {
            $this->ask($sql, $fields);
        } catch (PDOException $error) {
            return [$error->getCode()];
        }
        return ['no error'];
    }

    public function aborted(string $sql, array $fields): array { return $this->fails($sql, $fields); }

    public function begin(): array { $this->pdo->beginTransaction(); return []; }
    public function commit(): array { $this->pdo->commit(); return []; }
    public function rollback(): array { $this->pdo->rollBack(); return []; }
}

function lines(int $number): array { return file(getenv('SCRIPT') . ".$number", FILE_IGNORE_NEW_LINES); }

function play(int $number): never
{
    try {
        $client = new Client();
    } catch (PDOException $error) {
        fail($number, 0, 'connect', [], $error->getMessage());
    }
    foreach (lines($number) as $k => $line) {
        $expected = explode("\t->\t", $line);
        $question = array_shift($expected);
        $fields = explode("\t", $question);
        $what = array_shift($fields);
        $sql = preg_replace('/\$\d+/', '?', array_shift($fields));
        try {
            $came = $client->$what($sql, $fields);
        } catch (PDOException $error) {
            fail($number, $k + 1, $question, $expected, $error->getMessage());
        }
        if ($came !== $expected) fail($number, $k + 1, $question, $expected, implode(' | ', $came));
    }
    exit(0);
}

for ($number = 0; $number < CONNECTIONS; $number++) if (pcntl_fork() === 0) play($number);
$failed = false;
while (pcntl_wait($status) > 0) $failed = $failed || $status !== 0;
if ($failed) exit(1);
$queries = array_sum(array_map(fn($number) => count(lines($number)), range(0, CONNECTIONS - 1)));
printf("pdo_pgsql %s: %d queries, 0 wrong\n", phpversion('pdo_pgsql'), $queries);
