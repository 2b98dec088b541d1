<?php
// This file is the hosting's: changes to it are undone. Nextcloud merges it into config.php, where it wins.
// A setting that shall be Nextcloud's own again is null here: left out, its last value would stay in config.php.

$CONFIG = [
    // The socket tells MariaDB who is there; the user and the database are there already.
    'dbpassword' => '',
    'setup_create_db_user' => false,

    // Visitors come by TLS, to addresses without index.php.
    'overwriteprotocol' => 'https',
    'htaccess.RewriteBase' => '/',

    'memcache.local' => '\OC\Memcache\APCu',
    'mail_smtpmode' => 'sendmail',
    'mail_sendmailmode' => 'pipe',
    'maintenance_window_start' => 1,

    // Releases come from wsh, which can take them back.
    'updatechecker' => false,
    'upgrade.disable-web' => true,
];

