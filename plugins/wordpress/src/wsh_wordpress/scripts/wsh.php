<?php
/*
 * Plugin Name: wsh
 * Description: What the hosting takes care of. This file is the hosting's: changes to it are undone.
 */
defined('ABSPATH') || exit;

// The certificates that this server trusts, kept up to date with it, instead of a copy from the day of the release.
add_filter('http_request_args', static function (array $arguments): array {
    if (($arguments['sslcertificates'] ?? '') === ABSPATH . WPINC . '/certificates/ca-bundle.crt') {
        $arguments['sslcertificates'] = '/etc/ssl/certs/ca-certificates.crt';
    }
    return $arguments;
});
