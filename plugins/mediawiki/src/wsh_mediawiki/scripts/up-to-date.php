<?php
/* Says "up to date" where the database has the form that this version of MediaWiki expects, by the list of changes in
 * its own updater, of which none is made here. Run in the wiki's tree. */
use MediaWiki\Installer\MysqlUpdater;
use MediaWiki\Maintenance\Maintenance;

require getcwd() . '/maintenance/Maintenance.php';

class WshUpToDate extends Maintenance
{
    public function execute()
    {
        $database = $this->getDB(DB_PRIMARY);
        $missing = (new class ($database, $this) extends MysqlUpdater {
            private const FORM = ['addField', 'addIndex', 'addTable', 'dropField', 'dropIndex', 'modifyField', 'modifyTable', 'renameIndex'];
            public array $missing = [];

            public function __construct($database, $maintenance)
            {
                parent::__construct($database, false, $maintenance);
                foreach ($this->getCoreUpdateList() as $change) {
                    if (in_array($change[0], self::FORM, true)) {
                        $this->{array_shift($change)}(...$change);
                    } elseif ($change[0] === 'dropTable' && $this->tableExists($change[1])) {
                        $this->missing[] = "Dropping table $change[1]";
                    }
                }
            }

            protected function applyPatch($path, $isFullPath = false, $msg = null)
            {
                $this->missing[] = $msg ?? $path;
                return false;
            }

            public function output($text)
            {
            }
        })->missing;
        if ($missing) {
            $this->fatalError("The database needs:\n" . implode("\n", $missing));
        }
        echo "up to date\n";
    }
}

$maintClass = WshUpToDate::class;
require RUN_MAINTENANCE_IF_MAIN;
