<?php
require __DIR__ . '/wsh-config.php';  // database, keys and addresses: the hosting's, changes are undone

// This file is yours. Constants of your own go here.

$table_prefix = 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
