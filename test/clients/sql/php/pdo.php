<?php
// PHP's PDO in its three ways to prepare: by the server (a named statement: Parse and Sync now, Bind later, DEALLOCATE by a
// simple query), emulated (literals) and disabled (the unnamed statement). Every case runs in each of them.

$schema = getenv('SCHEMA');
$instance = (int)getenv('INSTANCE');
$own_timeout = 5000 + $instance;
$mark = "mark-$schema";

function plain($value) {
    if (is_resource($value)) return 'bytes:' . bin2hex(stream_get_contents($value));
    if (is_array($value)) return array_map('plain', $value);
    return $value;
}
function run(string $name, callable $body): void {
    try {
        $got = plain($body());
    } catch (Throwable $e) {
        fwrite(STDERR, "case '$name': $e\n");
        exit(1);
    }
    echo json_encode(['case' => $name, 'got' => $got], JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR), "\n";
}
function check(bool $condition, string $what): void {
    if (!$condition) throw new Exception("does not hold: $what");
}
function fails(callable $body) {
    try {
        $value = $body();
    } catch (PDOException $e) {
        return [$e->getCode(), $e->getMessage(), $e->errorInfo[0] ?? null];
    }
    throw new Exception('an error was expected, got ' . json_encode(plain($value)));
}
function connect(array $attributes = []): PDO {
    $dsn = sprintf("pgsql:host=%s;port=%s;dbname=%s;application_name=matrix-%s;options='-c search_path=%s -c statement_timeout=%d'",
        getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'), getenv('SCHEMA'), getenv('SCHEMA'), 30000 + (int)getenv('INSTANCE'));
    return new PDO($dsn, getenv('PGUSER'), getenv('PGPASSWORD'), $attributes + [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
}
function rows(PDO $db, string $sql, ?array $args = null): array {
    $statement = $db->prepare($sql);
    $statement->execute($args);
    return $statement->fetchAll(PDO::FETCH_ASSOC);
}
function one(PDO $db, string $sql, ?array $args = null) {
    return array_values(rows($db, $sql, $args)[0])[0];
}
function big_text(): string {
    $seed = 12345;
    $parts = [];
    for ($i = 0; $i < 150000; $i++) {
        $seed = ($seed * 1103515245 + 12345) & 0x7fffffff;
        $parts[] = base_convert((string)$seed, 10, 36) . '-привет-' . ($i % 10);
    }
    return implode("\n", $parts);
}

$ways = [
    'native' => [],
    'emulated' => [PDO::ATTR_EMULATE_PREPARES => true],
    'disabled' => [PDO::PGSQL_ATTR_DISABLE_PREPARES => true],
];
foreach ($ways as $way => $attributes) {
    $db = connect($attributes);
    $other = connect($attributes);
    run("$way: connect", function () use ($db, $schema, $instance) {
        check(one($db, 'show application_name') === "matrix-$schema", 'application_name is ours');
        check(one($db, 'show statement_timeout') === (30000 + $instance) . 'ms', 'statement_timeout is ours');
        return [one($db, 'show search_path'), $db->getAttribute(PDO::ATTR_SERVER_VERSION), $db->getAttribute(PDO::ATTR_CONNECTION_STATUS)];
    });
    run("$way: types", function () use ($db) {
        $statement = $db->prepare('select cast(:i as int) i, cast(:b as bool) b, cast(:n as text) n, cast(:d as bytea) d, cast(:t as text) t,
            array[1,null] a, timestamptz \'2024-02-29 12:34:56.789+02\' ts, 1.50::numeric m, \'{"x":1}\'::jsonb j');
        $statement->bindValue('i', 7, PDO::PARAM_INT);
        $statement->bindValue('b', true, PDO::PARAM_BOOL);
        $statement->bindValue('n', null, PDO::PARAM_NULL);
        $statement->bindValue('d', "\x00\xff'", PDO::PARAM_LOB);
        $statement->bindValue('t', "ünï 😀 'q' \\");
        $statement->execute();
        $meta = array_map(fn ($i) => $statement->getColumnMeta($i)['native_type'], range(0, 8));
        return [$statement->fetchAll(PDO::FETCH_ASSOC), $meta, $statement->columnCount()];
    });
    run("$way: statements used again and side by side", function () use ($db) {
        $by_id = $db->prepare('select name from users where id = ?');
        $count = $db->prepare('select count(*) from orders where user_id > ?');
        $got = [];
        for ($i = 1; $i <= 10; $i++) {
            $by_id->execute([$i]);
            $count->execute([$i]);
            $got[] = [$by_id->fetchColumn(), $count->fetchColumn()];
            if ($i % 3 == 0) $got[] = one($db, 'select email from users where id = ?', [$i]);  // prepared and deallocated
        }
        $by_id = null;
        $got[] = fails(function () use ($db) { $s = $db->prepare('select * from missing where id = ?'); $s->execute([1]); });
        return [$got, one($db, 'select 1')];
    });
    run("$way: transactions", function () use ($db) {
        $got = [];
        $db->beginTransaction();
        $insert = $db->prepare('insert into notes (title, stars) values (?, ?)');
        $insert->execute(['a', 1]);
        $db->exec('savepoint s');
        $got[] = fails(fn () => $insert->execute(['a', 2]));
        $got[] = fails(fn () => $db->query('select 1'));
        $db->exec('rollback to savepoint s');
        $insert->execute(['b', 2]);
        $got[] = [one($db, 'select count(*) from notes'), $db->inTransaction(), $db->lastInsertId()];
        $db->rollBack();
        $got[] = [one($db, 'select count(*) from notes'), $db->inTransaction()];
        $db->beginTransaction();
        $insert->execute(['kept', 3]);
        $db->commit();
        return [...$got, $db->exec('delete from notes')];
    });
    run("$way: errors", fn () => [
        fails(fn () => rows($db, 'selec 1')), fails(fn () => rows($db, 'select 1 / cast(? as int)', [0])),
        fails(fn () => rows($db, 'select cast(? as int)', ['abc'])),
        fails(fn () => rows($db, 'insert into orders (user_id, placed_at) values (?, now())', [999])),
        fails(fn () => $db->exec("insert into notes (title) values ('gone'); select 1/0")), one($db, 'select count(*) from notes'),
    ]);
    run("$way: SET, SET LOCAL, RESET", function () use ($db, $own_timeout, $instance) {
        $db->exec("set statement_timeout = $own_timeout; set time zone 'Asia/Tokyo'");
        for ($i = 0; $i < 10; $i++) check(one($db, 'show statement_timeout') === "{$own_timeout}ms", 'SET stays with its client');
        $got = [one($db, "select cast(timestamptz '2024-01-01 00:00+00' as text)")];
        $db->beginTransaction();
        $db->exec("set local time zone 'Europe/Riga'");
        $got[] = one($db, 'show timezone');
        $db->commit();
        $got[] = one($db, 'show timezone');
        $db->exec('reset all');
        check(one($db, 'show statement_timeout') === (30000 + $instance) . 'ms', 'RESET gives the start-up value');
        return [...$got, one($db, 'show timezone'), one($db, 'show search_path')];
    });
    run("$way: temporary table, advisory lock, DISCARD ALL", function () use ($db, $other, $instance) {
        $db->exec('create temp table boom (id int, who int)');
        $insert = $db->prepare('insert into boom values (?, ?)');
        for ($i = 0; $i < 10; $i++) $insert->execute([$i, $instance]);
        $got = [rows($db, 'select count(*), sum(id) from boom where who = ?', [$instance]), $db->exec('drop table boom')];
        $key = 7000 + $instance;
        $got[] = [one($db, 'select pg_try_advisory_lock(?)', [$key]), one($other, 'select pg_try_advisory_xact_lock(?)', [$key]),
            one($db, 'select pg_advisory_unlock(?)', [$key])];
        unset($insert);
        return [...$got, $db->exec('discard all'), one($db, 'select name from users where id = ?', [2])];
    });
    run("$way: LISTEN and NOTIFY", function () use ($db, $other, $instance) {
        $db->exec("listen room_$instance");
        $other->exec("notify room_$instance, 'one'");
        rows($other, 'select pg_notify(?, ?)', ["room_$instance", 'two']);
        $got = [];
        while (count($got) < 2) {
            $notify = $db->pgsqlGetNotify(PDO::FETCH_ASSOC, 10000);
            check($notify !== false, 'a notification within 10 s');
            $got[] = $notify['payload'];
        }
        return [$got, $db->exec('unlisten *')];
    });
    run("$way: COPY", function () use ($db) {
        $got = [$db->pgsqlCopyFromArray('notes', ["1001\tx\t\\N\t1\t\\N\t\\N\n", "1002\ty\tünï\t2\t\\N\t\\N\n"])];
        $got[] = $db->pgsqlCopyToArray('notes', ';', 'nothing');
        $got[] = fails(fn () => $db->pgsqlCopyFromArray('notes', ["not a number\n"]))[0];
        return [...$got, $db->exec('delete from notes')];
    });
    run("$way: N+1 and eager", function () use ($db) {
        $loop = [];
        foreach (rows($db, 'select id from users order by id limit 15') as $user) {
            $loop[] = array_column(rows($db, 'select total from orders where user_id = ? order by id', [$user['id']]), 'total');
        }
        return [$loop, rows($db, 'select user_id, count(*) from orders where user_id in (?, ?, ?) group by 1 order by 1', [1, 2, 3])];
    });
    run("$way: cancelled by its own time limit", function () use ($db) {
        $db->exec("set statement_timeout = '50ms'");
        $got = fails(fn () => rows($db, 'select pg_sleep(?)', [30]));
        $db->exec('reset statement_timeout');
        return [$got, one($db, 'select 5')];
    });
    run("$way: big parameter, many rows", function () use ($db) {
        $text = big_text();
        [$back, $digest] = array_values(rows($db, 'select cast(? as text), md5(?)', [$text, $text])[0]);
        return [$back === $text, $digest, count(rows($db, "select i, repeat('x', 20) t from generate_series(1, 100000) i"))];
    });
}
