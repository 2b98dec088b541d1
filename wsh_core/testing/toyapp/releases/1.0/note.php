<?php
require __DIR__ . '/lib.php';
if (user() === null) {
    http_response_code(403);
    page('No', '<p>Log in first.</p>');
}
query('INSERT INTO notes (author, text) VALUES (?, ?)', user(), $_POST['text'] ?? '');
go('/');
