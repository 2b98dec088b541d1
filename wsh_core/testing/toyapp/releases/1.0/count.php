<?php
/* The job: counts the notes. */
PHP_SAPI === 'cli' || exit(1);
require __DIR__ . '/lib.php';
query("REPLACE INTO settings SELECT 'notes', COUNT(*) FROM notes");
echo query("SELECT value FROM settings WHERE name = 'notes'")[0]['value'], " notes\n";
