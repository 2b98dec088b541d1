<?php
/* Usage: php install.php ADMIN, with the password as one line on stdin. */
PHP_SAPI === 'cli' || exit(1);
require __DIR__ . '/lib.php';
database()->query('CREATE TABLE settings (name VARCHAR(64) PRIMARY KEY, value TEXT NOT NULL)');
database()->query('CREATE TABLE users (name VARCHAR(64) PRIMARY KEY, password VARCHAR(255) NOT NULL)');
database()->query('CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY, author VARCHAR(64) NOT NULL, text TEXT NOT NULL)');
//@FAULT@
query("INSERT INTO settings VALUES ('schema', ?)", SCHEMA);
query('INSERT INTO users VALUES (?, ?)', $argv[1], password_hash(rtrim(fgets(STDIN), "\n"), PASSWORD_DEFAULT));
query('INSERT INTO notes (author, text) VALUES (?, ?)', $argv[1], 'Installed.');
file_put_contents(__DIR__ . '/uploads/first.txt', "The first upload.\n");
echo "toyapp is installed\n";
