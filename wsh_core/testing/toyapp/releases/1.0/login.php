<?php
require __DIR__ . '/lib.php';
$known = query('SELECT password FROM users WHERE name = ?', $_POST['user'] ?? '');
if (!$known || !password_verify($_POST['password'] ?? '', $known[0]['password'])) {
    http_response_code(403);
    page('No', '<p>Wrong name or password.</p>');
}
setcookie('toyapp', pass($_POST['user']), ['httponly' => true, 'secure' => true, 'samesite' => 'Lax', 'path' => '/']);
go('/');
