<?php
/* Says whether the database is this release's: ends with 1 where a migration is outstanding. */
PHP_SAPI === 'cli' || exit(1);
require __DIR__ . '/lib.php';
$due = schema() !== SCHEMA;
echo $due ? 'schema ' . schema() . ', this release needs ' . SCHEMA : 'up to date', "\n";
exit((int) $due);
