<?php
require __DIR__ . '/lib.php';
$notes = '';
try {
    $found = query('SELECT name, text FROM notes JOIN users ON users.id = notes.user ORDER BY notes.id');
} catch (mysqli_sql_exception) {
    $found = [];  // visitors see no error of the database
}
foreach ($found as $note) {
    $notes .= '<li>' . htmlspecialchars("$note[name]: $note[text]") . "</li>\n";
}
$last = query('SELECT MAX(created) AS last FROM notes')[0]['last'] ?? 'long ago';
$form = user() === null
    ? '<form method="post" action="/login.php"><input name="user"><input name="password" type="password"><button>Log in</button></form>'
    : '<form method="post" action="/note.php"><input name="text"><button>Note it</button></form>';
page(TOYAPP_TITLE, "<ul>\n$notes</ul>\n<p>Last written: $last</p>\n$form");
