<?php
/* Makes the tree of Debian's packages one that can lie anywhere: what they look for in /usr/share is in the tree. Does
 * nothing where Matomo is its publisher's. Run in Matomo's tree. */
const MOVED = [
    "'/usr/share/php/" => "PIWIK_INCLUDE_PATH . '/vendor/",
    "'/usr/share/matomo/" => "PIWIK_INCLUDE_PATH . '/",
    "'/var/cache/matomo/tmp'" => "PIWIK_USER_PATH . '/tmp'",
    "PIWIK_DOCUMENT_ROOT . '/public'" => 'PIWIK_DOCUMENT_ROOT',
    '$thisDir = __DIR__;' => 'set_include_path(($thisDir = dirname(__FILE__)) . "/vendor");',
];

if (is_file('vendor_config.php')) {
    $tree = new RecursiveIteratorIterator(new RecursiveDirectoryIterator('.', FilesystemIterator::SKIP_DOTS));
    foreach (new RegexIterator($tree, '/\.php$/') as $file) {
        $text = file_get_contents($file);
        $moved = strtr($text, dirname($file) === '.' ? [...MOVED, "'/../vendor_config.php'" => "'/vendor_config.php'"] : MOVED);
        if ($moved !== $text && file_put_contents($file, $moved) === false) {
            exit(1);
        }
    }
}
echo "laid out\n";
