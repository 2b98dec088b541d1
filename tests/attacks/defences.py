"""What the controls take away, each for a while: one defence with a name; without it the attack must work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from tests.attacks.scene import Scene
from tests.lab.world import World
from wsh_core.agent import paths

Without = AbstractContextManager[None]
APACHE = ("systemctl reset-failed apache2.service", "systemctl restart apache2.service")
"""Restarted as often as it takes; systemd would give up after five times."""
RELOAD = "systemctl daemon-reload"
_SERVER_CONF = "/etc/apache2/conf-available/wsh.conf"
_VIEW = f"{paths.UNITS}/run-wsh-web.mount"


@contextmanager
def changed(scene: Scene, path: str, pattern: str, new: str) -> Iterator[None]:
    """A file of the server in which a pattern stands as something else."""
    old = scene.server.read(path).decode()
    text, count = re.subn(pattern, new, old, flags=re.MULTILINE)
    assert count, f"{path} has no {pattern!r}"
    scene.server.write(path, text)
    try:
        yield
    finally:
        scene.server.write(path, old)


def _run(scene: Scene | World, *commands: str) -> None:
    for command in commands:
        scene.server.run(command.split())


@contextmanager
def _without(scene: Scene, files: dict[str, tuple[str, str]], *commands: str) -> Iterator[None]:
    try:
        with ExitStack() as stack:
            for path, (pattern, new) in files.items():
                stack.enter_context(changed(scene, path, pattern, new))
            _run(scene, *commands)
            scene.stop_php()
            yield
    finally:
        _run(scene, *commands)
        scene.stop_php()


def guard(scene: Scene) -> Without:
    """PHP does not compare whose request it is with whose PHP it is."""
    return _without(scene, {paths.GUARD: (r"\A<\?php[\s\S]*", "<?php\n")})


def pin(scene: Scene) -> Without:
    """Apache neither says whose request it is nor keeps settings of PHP away."""
    return _without_pins(scene, "ProxyFCGISetEnvIf")


def pinned_settings(scene: Scene) -> Without:
    """Apache says whose request it is, and lets settings of PHP pass."""
    return _without_pins(scene, "ProxyFCGISetEnvIf.*!PHP")


def _without_pins(scene: Scene, pattern: str) -> Without:
    lines = (rf"^ *{pattern}.*\n", "")
    return _without(scene, {f"{paths.VHOSTS}/alice-www.conf": lines, _SERVER_CONF: lines}, *APACHE)


def override_list(scene: Scene) -> Without:
    """The .htaccess may say ProxyFCGISetEnvIf."""
    return _without(scene, {paths.HTACCESS: ("^AllowOverrideList", "AllowOverrideList ProxyFCGISetEnvIf")}, *APACHE)


def extensions(scene: Scene) -> Without:
    """PHP takes files for programs whatever they are called."""
    return _without(scene, {paths.FPM_CONF: (r"^(security.limit_extensions =).*", r"\1")})


def prepended_for_good(scene: Scene) -> Without:
    """What PHP runs first is a setting that others may change."""
    return _without(scene, {paths.FPM_CONF: (r"php_admin_value(?=\[auto_prepend_file\])", "php_value")})


def nosymfollow(scene: Scene) -> Without:
    """The kernel follows links in the homes as Apache sees them."""
    return _view_without(scene, "nosymfollow")


def noexec(scene: Scene) -> Without:
    """Apache can execute what lies in the homes."""
    return _view_without(scene, "noexec")


def _view_without(scene: Scene, option: str) -> Without:
    files = {_VIEW: (rf",{option}\b", "")}
    return _without(scene, files, RELOAD, f"systemctl restart {_VIEW.rpartition('/')[2]}", *APACHE)


@contextmanager
def modules(scene: Scene | World, *names: str) -> Iterator[None]:
    """Apache has modules that are not on the list."""
    _run(scene, f"a2enmod --quiet {' '.join(names)}", *APACHE)
    try:
        yield
    finally:
        _run(scene, f"a2dismod --quiet --force {' '.join(names)}", *APACHE)


@contextmanager
def sandbox(scene: Scene, account: str, *directives: str) -> Iterator[None]:
    """The account's PHP runs with other directives."""
    directory = f"{paths.UNITS}/{scene.unit(account)}.d"
    scene.server.write(f"{directory}/zz-attack.conf", "\n".join(["[Service]", *directives, ""]))
    try:
        _run(scene, RELOAD)
        scene.stop_php()
        yield
    finally:
        _run(scene, f"rm --recursive {directory}", RELOAD)
        scene.stop_php()


def jail_root(scene: Scene, account: str) -> Without:
    """The account's PHP sees the server's files, as the account."""
    settings = f"{paths.JAILS}/{scene.uids[account]}/etc/wsh/php"
    return sandbox(scene, account, "RootDirectory=", f"Environment=PHP_INI_SCAN_DIR={settings}")


@contextmanager
def mode(scene: Scene, path: str, add: str) -> Iterator[None]:
    """What only some may pass is open to all."""
    _run(scene, f"chmod {add} {path}")
    try:
        yield
    finally:
        _run(scene, f"chmod {add.replace('+', '-')} {path}")


def certificate(scene: Scene, directory: str) -> Without:
    """Alice's site and bob's have one certificate."""
    files = (f"{paths.TLS}/(alice|bob)-www/", f"{directory}/")
    return _without(scene, {f"{paths.VHOSTS}/{name}-www.conf": files for name in scene.uids}, *APACHE)


def fence_in_server_context(scene: Scene, slug: str) -> Without:
    """The rules of a site's fence stand in its document root, where .htaccess comes after them."""
    moved = (
        r"(^ *RewriteEngine On\n(?: *RewriteCond.*\n)+ *RewriteRule.*\n)([\s\S]*?<Directory .*\n)",
        r"\2\1",
    )
    return _without(scene, {f"{paths.VHOSTS}/{slug}.conf": moved}, *APACHE)


def share_of_workers(scene: Scene) -> Without:
    """As many of Apache's workers as there are may wait for alice's PHP."""
    lines = (r"^ *<Proxy .*\n *</Proxy>\n", "")
    return _without(scene, {f"{paths.VHOSTS}/alice-www.conf": lines}, *APACHE)
