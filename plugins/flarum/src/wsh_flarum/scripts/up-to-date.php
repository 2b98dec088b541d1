<?php
/* Says "up to date" if the database is that of the code: Flarum writes the version there as the last act of a
 * migration. Run in the forum's tree. */
use Flarum\Foundation\Application;
use Flarum\Settings\SettingsRepositoryInterface;

$settings = (require getcwd() . '/site.php')->bootApp()->getContainer()->make(SettingsRepositoryInterface::class);
$known = $settings->get('version');
if ($known !== Application::VERSION) {
    fwrite(STDERR, "The database is that of Flarum $known, the code that of " . Application::VERSION . ".\n");
    exit(1);
}
echo "up to date\n";
