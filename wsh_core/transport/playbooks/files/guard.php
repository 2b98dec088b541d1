<?php
// Apache names the account whose site is asked for; PHP of any other account answers nothing.
if (($_SERVER['WSH_UID'] ?? '') !== (string) posix_getuid()) {
    http_response_code(403);
    header('Content-Type: text/plain');
    exit("wsh: wrong account\n");
}
unset($_SERVER['WSH_UID'], $_ENV['WSH_UID']);
