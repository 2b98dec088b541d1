<?php
/* Says "up to date" where the database is that of this version of WordPress. Run in the site's tree. */
$_SERVER['HTTP_HOST'] = '';
define('WP_INSTALLING', true);  // no plugin of the customer's runs
require getcwd() . '/wp-load.php';
$found = get_option('db_version');
if ((int) $found !== (int) $wp_db_version) {
    fwrite(STDERR, "The database has version $found, WordPress expects $wp_db_version.\n");
    exit(1);
}
echo "up to date\n";
