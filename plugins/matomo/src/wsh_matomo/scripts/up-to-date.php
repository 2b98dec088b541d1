<?php
/* Says "up to date" where the database is that of this version of Matomo and of its plugins. Run in Matomo's tree. */
use Piwik\Application\Environment;
use Piwik\Option;
use Piwik\Plugin\Manager;
use Piwik\Updater;
use Piwik\Version;

is_file('vendor_config.php') && require getcwd() . '/vendor_config.php';
defined('PIWIK_DOCUMENT_ROOT') || define('PIWIK_DOCUMENT_ROOT', getcwd());
defined('PIWIK_INCLUDE_PATH') || define('PIWIK_INCLUDE_PATH', PIWIK_DOCUMENT_ROOT);
require PIWIK_INCLUDE_PATH . '/core/bootstrap.php';

(new Environment('cli'))->init();
Manager::getInstance()->loadActivatedPlugins();
$known = Option::get('version_core');
if ($known !== Version::VERSION || (new Updater())->getComponentUpdates() !== null) {
    fwrite(STDERR, "The database is that of Matomo $known, or its plugins wait for an update.\n");
    exit(1);
}
echo "up to date\n";
