<?php
/* Starts the PHP program of a step. Read from stdin: nine characters with the length of a JSON text, that text
 * (entry, argv, cwd, env, ini), and then what is the program's own input. So no argument is in any process list.
 * Ends with 97 where the entry is no PHP program, with 98 where the frame is broken or a setting is refused. */
stream_set_read_buffer(STDIN, 0);
(static function (): void {
    $fail = static function (int $code, string $why): void {
        fwrite(STDERR, "wsh: $why\n");
        exit($code);
    };
    $take = static function (int $bytes): string {
        for ($text = ''; $bytes > strlen($text) && ($part = fread(STDIN, $bytes - strlen($text))) !== false && $part !== '';) {
            $text .= $part;
        }
        return $text;
    };
    $length = $take(9);
    $frame = preg_match('/^\d{8}\n$/D', $length) ? json_decode($take((int) $length), true) : null;
    if (!is_array($frame)) {
        $fail(98, 'the frame on stdin is broken');
    }
    ['entry' => $entry, 'argv' => $argv, 'cwd' => $cwd, 'env' => $env, 'ini' => $ini] = $frame;
    foreach ($ini as $name => $value) {
        if (ini_set($name, $value) === false) {
            $fail(98, "PHP refuses the setting $name here");
        }
    }
    foreach ($env as $name => $value) {
        putenv("$name=$value");
        $_ENV[$name] = $_SERVER[$name] = $value;
    }
    if (!chdir($cwd)) {
        $fail(98, "there is no directory $cwd");
    }
    $start = is_file($entry) ? (string) file_get_contents($entry, false, null, 0, 4096) : '';
    if (!preg_match('/^(#![^\n]*php[^\n]*\n\s*)?<\?php\s/', $start)) {
        $fail(97, is_file($entry) ? "$entry is not a PHP program" : "there is no file $entry");
    }
    $GLOBALS['argv'] = $_SERVER['argv'] = [$entry, ...$argv];
    $GLOBALS['argc'] = $_SERVER['argc'] = count($argv) + 1;
    foreach (['SCRIPT_FILENAME', 'SCRIPT_NAME', 'PHP_SELF', 'PATH_TRANSLATED'] as $name) {
        $_SERVER[$name] = $entry;
    }
    $_SERVER['PWD'] = $cwd;
})();
// At the top level: programs look at the call stack to learn whether they were started or included.
require $_SERVER['SCRIPT_FILENAME'];
