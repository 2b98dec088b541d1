<?php
// The hosting's settings: changes are undone. Yours go into LocalSettings.php.
$wgScriptPath = '';
$wgArticlePath = '/wiki/$1';
$wgUsePathInfo = true;
$wgDBtype = 'mysql';
$wgDBpassword = '';  // the socket tells MariaDB who is there
$wgDBTableOptions = 'ENGINE=InnoDB, DEFAULT CHARSET=binary';
$wgAuthenticationTokenVersion = '1';
$wgCacheDirectory = $wgTmpDirectory = __DIR__ . '/cache';
$wgMainCacheType = CACHE_ACCEL;
$wgSessionCacheType = CACHE_DB;
$wgJobRunRate = 0;  // a timer does what visitors would wait for
$wgEnableUploads = true;
$wgPingback = false;

// What pages are written with, of what comes with MediaWiki; none of it needs tables or programs of its own.
foreach ( [ 'MinervaNeue', 'MonoBook', 'Timeless', 'Vector' ] as $wshName ) {
	wfLoadSkin( $wshName );
}
foreach ( [
	'CategoryTree', 'Cite', 'CiteThisPage', 'Gadgets', 'ImageMap', 'InputBox', 'ParserFunctions', 'Poem',
	'TemplateData', 'WikiEditor',
] as $wshName ) {
	wfLoadExtension( $wshName );
}
$wgDefaultSkin = 'vector-2022';

// Pages made with other settings are made anew; MediaWiki itself looks at the time of LocalSettings.php alone.
$wgCacheEpoch = max( $wgCacheEpoch, gmdate( 'YmdHis', filemtime( __FILE__ ) ) );
