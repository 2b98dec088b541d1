"""A static site executes nothing, whatever its .htaccess says: it shows a program's text, or refuses."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.attacks import defences
from tests.attacks.scene import REFUSED, Scene

pytestmark = pytest.mark.needs_machine("lab")

RAN = "ran:" + str(6 * 7)
PHP = "<?php echo 'ran:', 6 * 7;"
SHELL = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nran:%d uid=%d' $((6 * 7)) $(id -u)\n"
INCLUDES = (
    "<!--#exec cmd='echo ran:$((6*7)) uid=$(id -u)' --><!--#include virtual='hello.txt' --><!--#echo var='DATE_GMT' -->"
)
PROGRAMS = {
    "x.php": PHP, "x.phtml": PHP, "x.phar": PHP, "x.php.txt": PHP, "x.foo": PHP, "x.txt": PHP,
    "x.cgi": SHELL, "x.pl": SHELL, "x.sh": SHELL, "x": SHELL,
    "x.shtml": INCLUDES, "x.html": INCLUDES,
}  # fmt: skip
TYPES = ".php .phtml .phar .cgi .pl .sh .shtml .html .txt .foo"
SET = '<FilesMatch "\\.{end}$">\nSetHandler {handler}\n</FilesMatch>\n'
ADDRESS = "ADDRESS/home/alice/sites/st/app/own-PHP-by-proxy/$1"
HTACCESS = {
    "none": "",
    "set": "Options +ExecCGI +Includes\n"
    + SET.format(end="ph.*", handler="application/x-httpd-php")
    + SET.format(end="(cgi|pl|sh)", handler="cgi-script")
    + SET.format(end="s?html", handler="server-parsed"),
    "all to PHP": "SetHandler application/x-httpd-php\n",
    "all to CGI": "Options +ExecCGI\nSetHandler cgi-script\n",
    "add": f"Options +ExecCGI +Includes\nAddHandler cgi-script {TYPES}\nAddHandler application/x-httpd-php .php .foo\n",
    "types": "Options +Includes\n"
    f"AddType application/x-httpd-php {TYPES}\nAddType text/html .shtml\n"
    "AddOutputFilterByType INCLUDES text/html\nAddHandler server-parsed .shtml .html\n",
    "forced": "Options +ExecCGI\nForceType application/x-httpd-cgi\n",
    "rules": "Options +ExecCGI\nRewriteEngine On\nRewriteRule . - [H=cgi-script]\n",
    "rules to PHP": "RewriteEngine On\nRewriteRule . - [T=application/x-httpd-php,H=application/x-httpd-php]\n",
    "own PHP": 'SetHandler "HANDLER"\n',
    "own PHP by rules": "RewriteEngine On\nRewriteRule . - [H=HANDLER]\n",
    "own PHP by proxy": f'RewriteEngine On\nRewriteRule "(.+)" "{ADDRESS}" [P]\n',
}


def prepare(scene: Scene, name: str) -> str:
    """The directory of alice's static site with that .htaccess and all programs."""
    directory, handler = name.replace(" ", "-"), scene.handler("alice")
    text = HTACCESS[name].replace("HANDLER", handler).replace("ADDRESS", handler.removeprefix("proxy:"))
    scene.put(f"{directory}/.htaccess", text, site="st")
    for file, program in PROGRAMS.items():
        scene.put(f"{directory}/{file}", program, "0755", site="st")
    scene.put(f"{directory}/hello.txt", "hello", site="st")
    return directory


def ran(scene: Scene, directory: str) -> dict[str, str]:
    """The programs that were executed, or at least interpreted, and what came of them."""
    found = {}
    for file, source in PROGRAMS.items():
        answer = scene.get(f"{directory}/{file}", site="st")
        if RAN in answer.body or (answer.status not in REFUSED and answer.body.strip() != source.strip()):
            found[file] = answer.body
    return found


@pytest.mark.parametrize("name", HTACCESS)
def test_nothing_is_executed(scene: Scene, name: str) -> None:
    assert ran(scene, prepare(scene, name)) == {}


def test_control_with_other_modules_includes_and_cgi_are_executed_by_the_web_server(scene: Scene) -> None:
    directories = {name: prepare(scene, name) for name in ("types", "all to CGI")}
    with defences.modules(scene, "cgid", "include"):
        uid = scene.server.run(["id", "-u", "www-data"]).stdout.strip()
        assert f"{RAN} uid={uid}" in ran(scene, directories["types"])["x.shtml"]
        assert not ran(scene, directories["all to CGI"]), "the view of the homes is not noexec"
        with defences.noexec(scene):
            assert f"{RAN} uid={uid}" in ran(scene, directories["all to CGI"])["x.pl"]


def test_control_without_the_guard_static_sites_reach_the_accounts_php(scene: Scene) -> None:
    """Such a site has no pin of its own, so the server's holds: nobody's."""
    directory = prepare(scene, "own PHP by rules")
    with ExitStack() as stack:
        stack.enter_context(defences.guard(scene))
        assert not ran(scene, directory).keys() & {"x.phtml", "x.foo", "x.txt", "x.html"}
        stack.enter_context(defences.extensions(scene))
        assert ran(scene, directory)["x.foo"] == RAN
