<?php
// Evaluated by Drush: what updatedb would do, without its silence where that is nothing.
require_once DRUPAL_ROOT . '/core/includes/install.inc';
require_once DRUPAL_ROOT . '/core/includes/update.inc';
drupal_load_updates();
$due = [...array_keys(update_get_update_list()),
    ...\Drupal::service('update.post_update_registry')->getPendingUpdateFunctions()];
echo $due === [] ? 'up to date' : 'to be updated: ' . implode(', ', $due), "\n";
