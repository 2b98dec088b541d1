<?php
/* Usage: php install.php ADMIN, with the password as one line on stdin. */
PHP_SAPI === 'cli' || exit(1);
require __DIR__ . '/lib.php';
database()->query('CREATE TABLE settings (name VARCHAR(64) PRIMARY KEY, value TEXT NOT NULL)');
database()->query('CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(64) NOT NULL UNIQUE, password VARCHAR(255) NOT NULL)');
database()->query('CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY, user INT NOT NULL, text TEXT NOT NULL, created DATETIME)');
//@FAULT@
query("INSERT INTO settings VALUES ('schema', ?)", SCHEMA);
query('INSERT INTO users (name, password) VALUES (?, ?)', $argv[1], password_hash(rtrim(fgets(STDIN), "\n"), PASSWORD_DEFAULT));
query("INSERT INTO notes (user, text, created) SELECT id, 'Installed.', NOW() FROM users");
file_put_contents(__DIR__ . '/uploads/first.txt', "The first upload.\n");
echo "toyapp is installed\n";
