<?php
require $app_root . '/../settings.wsh.php'; // wsh's: the database, the site's names, where its files are

// Below this line it is yours: https://api.drupal.org/api/drupal/sites!default!default.settings.php
