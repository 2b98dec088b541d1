<?php
$databases['default']['default'] += [
    'driver' => 'mysql',
    'namespace' => 'Drupal\mysql\Driver\Database\mysql',
    'autoload' => 'core/modules/mysql/src/Driver/Database/mysql/',
    'password' => '', // the socket tells MariaDB who is there
    'host' => 'localhost',
    'prefix' => '',
    'init_commands' => ['isolation_level' => 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED'],
];
$settings['file_temp_path'] = '/tmp';
$settings['skip_permissions_hardening'] = true; // it would close sites/default to the account itself
$settings['allow_authorize_operations'] = false;
$settings['file_scan_ignore_directories'] = ['node_modules', 'bower_components'];
$settings['entity_update_batch_size'] = 50;
$settings['state_cache'] = true;
$settings['container_yamls'][] = $app_root . '/' . $site_path . '/services.yml';
$config['automated_cron.settings']['interval'] = 0; // a timer does what visitors would wait for
