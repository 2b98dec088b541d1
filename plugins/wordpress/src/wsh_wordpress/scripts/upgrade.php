<?php
/* Brings WordPress's database to what the code expects, by WordPress's own function. Run in the site's tree. */
$_SERVER['HTTP_HOST'] = '';
define('WP_INSTALLING', true);  // no plugin of the customer's runs
require getcwd() . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_upgrade();
echo "upgraded\n";
