<?php
if ( !defined( 'MEDIAWIKI' ) ) {
	exit;
}
require __DIR__ . '/LocalSettings.wsh.php';  // database, keys and addresses: the hosting's, changes are undone

// This file is yours. Settings and extensions of your own go here.
