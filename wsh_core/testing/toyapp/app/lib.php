<?php
/* What every page needs: the settings, the database, and who is logged in. */
require __DIR__ . '/config.php';
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

function pass(string $user): string
{
    return $user . '|' . hash_hmac('sha256', $user, TOYAPP_KEY);
}

function user(): ?string
{
    $user = strtok($_COOKIE['toyapp'] ?? '', '|');
    return $user !== false && hash_equals(pass($user), $_COOKIE['toyapp']) ? $user : null;
}

function page(string $title, string $body): never
{
    $title = htmlspecialchars($title);
    $release = trim(file_get_contents(__DIR__ . '/VERSION'));
    echo "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>$title</title>\n",
        "<meta name=\"generator\" content=\"toyapp $release\">\n<h1>$title</h1>\n$body\n";
    exit;
}

function go(string $where): never
{
    header("Location: $where", true, 303);
    exit;
}
