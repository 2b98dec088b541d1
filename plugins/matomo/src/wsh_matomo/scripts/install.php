<?php
/* Installs Matomo by the functions that its wizard calls. Arguments: superuser and their mail address, name and URL of
 * the first website; input: the superuser's password. Run in Matomo's tree, with the settings of the database in
 * config/common.config.ini.php. Prints "installed", or "already installed" for a second run. */
use Piwik\Access;
use Piwik\Application\Environment;
use Piwik\Config;
use Piwik\DbHelper;
use Piwik\Filesystem;
use Piwik\Option;
use Piwik\Plugin\Manager;
use Piwik\Plugins\SitesManager\API as Sites;
use Piwik\Plugins\UsersManager\API as Users;
use Piwik\Plugins\UsersManager\UserUpdater;
use Piwik\Updater;
use Piwik\Version;

[, $login, $email, $name, $url] = $argv;
is_file('vendor_config.php') && require getcwd() . '/vendor_config.php';
defined('PIWIK_DOCUMENT_ROOT') || define('PIWIK_DOCUMENT_ROOT', getcwd());
defined('PIWIK_INCLUDE_PATH') || define('PIWIK_INCLUDE_PATH', PIWIK_DOCUMENT_ROOT);

const OWN = 'config/config.ini.php';
$begun = is_file(OWN) ? parse_ini_file(OWN, true, INI_SCANNER_RAW)['General']['installation_in_progress'] ?? null : '1';
if ($begun === null) {
    exit("already installed\n");
}
umask(0077);
file_put_contents(OWN, "; <?php exit; ?> DO NOT REMOVE THIS LINE\n[General]\ninstallation_in_progress = 1\n");
require PIWIK_INCLUDE_PATH . '/core/bootstrap.php';

(new Environment('cli'))->init();
Manager::getInstance()->loadActivatedPlugins();  // before all else, or the theme is missing where mail is composed
DbHelper::createTables();
DbHelper::createAnonymousUser();
DbHelper::recordInstallVersion();
Manager::getInstance()->installLoadedPlugins();
$updater = new Updater();
$waiting = $updater->getComponentUpdates();
$result = $waiting ? $updater->updateComponents($waiting) : ['errors' => []];
if ($result['errors']) {
    fwrite(STDERR, implode("\n", $result['errors']) . "\n");
    exit(1);
}
Updater::recordComponentSuccessfullyUpdated('core', Version::VERSION);

Access::doAsSuperUser(static function () use ($login, $email, $name, $url): void {
    Users::getInstance()->addUser($login, trim((string) stream_get_contents(STDIN)), $email);
    (new UserUpdater())->setSuperUserAccessWithoutCurrentPassword($login, true);
    Sites::getInstance()->addSite($name, [$url]);
    Option::set('PrivacyManager.ipAnonymizerEnabled', true);  // as the wizard does
});
$config = Config::getInstance();
$general = $config->General;
unset($general['installation_in_progress']);
$config->General = $general;
$config->forceSave();
Filesystem::deleteAllCacheOnUpdate();
echo "installed\n";
