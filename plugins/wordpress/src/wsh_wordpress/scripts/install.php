<?php
/* Installs WordPress by its own functions. Arguments: URL, title, administrator and their mail address; input: the
 * administrator's password. Run in the site's tree. Prints "installed", or "already installed" for a second run. */
[, $url, $title, $administrator, $email] = $argv;
$_SERVER['HTTP_HOST'] = parse_url($url, PHP_URL_HOST);
$_SERVER['HTTPS'] = 'on';
$_SERVER['REQUEST_METHOD'] = 'GET';
$_SERVER['REQUEST_URI'] = '/';
define('WP_INSTALLING', true);
require getcwd() . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';

const PERMALINKS = '/%postname%/';
add_filter('pre_wp_mail', '__return_true');  // wsh tells the customer itself
add_filter('pre_option_permalink_structure', static fn () => PERMALINKS);  // or WordPress tries them over the network

if (is_blog_installed()) {
    exit("already installed\n");
}
$made = wp_install($title, $administrator, $email, true, '', trim((string) stream_get_contents(STDIN)));
if (is_wp_error($made)) {
    fwrite(STDERR, $made->get_error_message() . "\n");
    exit(1);
}
remove_all_filters('pre_option_permalink_structure');
$GLOBALS['wp_rewrite']->set_permalink_structure(PERMALINKS);
flush_rewrite_rules(false);
exit("installed\n");
