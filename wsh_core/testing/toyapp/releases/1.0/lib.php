<?php
/* What every page needs: the settings, the database, and who is logged in. */
require __DIR__ . '/config.php';
require __DIR__ . '/release.php';
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

function database(): mysqli
{
    static $link;
    return $link ??= new mysqli('localhost', TOYAPP_USER, '', TOYAPP_DATABASE, 0, TOYAPP_SOCKET);
}

/** Run one statement with values in the place of its question marks; the rows, if it has any. */
function query(string $sql, string ...$values): array
{
    $result = database()->execute_query($sql, $values);
    return $result instanceof mysqli_result ? $result->fetch_all(MYSQLI_ASSOC) : [];
}

/** The schema that the database has, which is this release's where no migration is outstanding. */
function schema(): int
{
    return (int) query("SELECT value FROM settings WHERE name = 'schema'")[0]['value'];
}

function pass(string $user): string
{
    return $user . '|' . hash_hmac('sha256', $user, TOYAPP_KEY);
}

function user(): ?string
{
    $user = strtok($_COOKIE['toyapp'] ?? '', '|');
    return $user !== false && hash_equals(pass($user), $_COOKIE['toyapp']) ? $user : null;
}

/** The frame of all pages: made once for a release, and kept. */
function frame(): string
{
    $kept = __DIR__ . '/cache/frame.html';
    if (is_file($kept)) {
        return file_get_contents($kept);
    }
    $frame = str_replace('{release}', RELEASE, file_get_contents(__DIR__ . '/frame.html'));
    is_dir(dirname($kept)) || mkdir(dirname($kept));
    file_put_contents("$kept." . getmypid(), $frame);
    rename("$kept." . getmypid(), $kept);
    return $frame;
}

/** What the files in extras/ say, which are this release's or the owner's. */
function extras(): string
{
    $said = array_map(static fn (string $file): string => require $file, glob(__DIR__ . '/extras/*.php'));
    return implode("\n", array_map('htmlspecialchars', $said));
}

function page(string $title, string $body): never
{
    echo strtr(frame(), ['{title}' => htmlspecialchars($title), '{body}' => $body, '{extras}' => extras()]);
    exit;
}

function go(string $where): never
{
    header("Location: $where", true, 303);
    exit;
}
