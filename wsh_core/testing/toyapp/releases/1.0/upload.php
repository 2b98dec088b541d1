<?php
require __DIR__ . '/lib.php';
if (user() === null) {
    http_response_code(403);
    page('No', '<p>Log in first.</p>');
}
$name = $_FILES['file']['name'] ?? '';
if (!preg_match('/^[a-z0-9]+\.(txt|png)$/D', $name)) {
    http_response_code(400);
    page('No', '<p>A text or a picture, with a plain name.</p>');
}
move_uploaded_file($_FILES['file']['tmp_name'], __DIR__ . "/uploads/$name");
go("/uploads/$name");
