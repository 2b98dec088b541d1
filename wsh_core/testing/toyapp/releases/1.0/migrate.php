<?php
/* Brings the database from the schema of the release before to that of this one; again, it changes nothing. */
PHP_SAPI === 'cli' || exit(1);
require __DIR__ . '/lib.php';
$from = schema();
if ($from > SCHEMA || $from < SCHEMA - 1) {
    fwrite(STDERR, "no way from schema $from to schema " . SCHEMA . ' of toyapp ' . RELEASE . "\n");
    exit(2);
}
if ($from < SCHEMA) {
    require __DIR__ . '/migration.php';
    query("UPDATE settings SET value = ? WHERE name = 'schema'", SCHEMA);
}
echo 'schema ', SCHEMA, "\n";
