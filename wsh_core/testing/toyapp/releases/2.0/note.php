<?php
require __DIR__ . '/lib.php';
if (user() === null) {
    http_response_code(403);
    page('No', '<p>Log in first.</p>');
}
query('INSERT INTO notes (user, text, created) SELECT id, ?, NOW() FROM users WHERE name = ?', $_POST['text'] ?? '', user());
go('/');
