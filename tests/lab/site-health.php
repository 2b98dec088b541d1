<?php
// Runs WordPress's own tests of a site's health and prints their results by name.
define('WP_ADMIN', true);
require __DIR__ . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
require_once ABSPATH . 'wp-admin/includes/class-wp-site-health.php';
wp_set_current_user(1);
$health = WP_Site_Health::get_instance();
$tests = WP_Site_Health::get_tests();
$results = [];
foreach ($tests['direct'] as $name => $test) {
    $run = is_string($test['test']) ? [$health, 'get_test_' . $test['test']] : $test['test'];
    $results[$name] = is_callable($run) ? $run() : null;
}
foreach ($tests['async'] as $name => $test) {
    if (isset($test['async_direct_test'])) {
        $results[$name] = $test['async_direct_test']();
    }
}
unlink(__FILE__);
header('Content-Type: application/json');
echo json_encode(array_map(static fn ($r) => ['status' => $r['status'], 'label' => $r['label']], array_filter($results)));
