<?php
require __DIR__ . '/lib.php';
$notes = '';
foreach (query('SELECT author, text FROM notes ORDER BY id') as $note) {
    $notes .= '<li>' . htmlspecialchars("$note[author]: $note[text]") . "</li>\n";
}
$last = query('SELECT MAX(created) AS last FROM notes')[0]['last'] ?? 'long ago';
$form = user() === null
    ? '<form method="post" action="/login.php"><input name="user"><input name="password" type="password"><button>Log in</button></form>'
    : '<form method="post" action="/note.php"><input name="text"><button>Note it</button></form>';
page(TOYAPP_TITLE, "<ul>\n$notes</ul>\n<p>Last written: $last</p>\n$form");
