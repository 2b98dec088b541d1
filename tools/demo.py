"""The demo: a lab server, an account, a real WordPress, its page. Everything by the commands that an operator types."""

from __future__ import annotations

import argparse
import html
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from wsh_lab import Lab, Server

NAME = "demo"
DOMAIN = "blog.alice.test"
SITE = "alice/blog"
PLACE = Path("/var/lib/wsh-demo")
"""The description; it belongs to the user wsh, as on a real machine."""
WSH = Path(sys.executable).parent / "wsh"
Result = TypeVar("Result")


class DemoError(Exception):
    """What the demo promised and did not see."""


def step(words: str, act: Callable[[], Result]) -> Result:
    """Say what is done, do it, say how long it took."""
    print(f"\n▸ {words}", flush=True)
    began = time.monotonic()
    result = act()
    print(f"  {time.monotonic() - began:.1f}s", flush=True)
    return result


def wsh(*argv: str) -> None:
    """Run one command of wsh and show it."""
    print(f"  $ wsh {' '.join(repr(word) if ' ' in word else word for word in argv)}", flush=True)
    done = subprocess.run([WSH, "-C", PLACE, *argv], stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise DemoError(f"wsh {argv[0]} ended with {done.returncode}")


def describe(server: Server) -> None:
    """Begin a description whose one server is the lab's, with a key that the user wsh may read."""
    PLACE.mkdir(parents=True, exist_ok=True)
    shutil.chown(PLACE, "wsh")
    login = server.ssh_config().handed_to(PLACE)
    wsh("init", str(PLACE), "--server", NAME, "--address", server.address)
    with (PLACE / f"servers/{NAME}/server.yaml").open("a") as file:
        file.write(f"\nssh: {{key: {login.key}, known_hosts: {login.known_hosts}}}\n")
    for example in PLACE.glob(f"servers/{NAME}/accounts/*.yaml"):
        example.unlink()


def curl(server: Server, url: str, *options: str) -> str:
    """Fetch a page as a visitor would: by its name, over TLS 1.3, with the certificate checked."""
    done = subprocess.run(
        [
            "curl",
            "-sS",
            "--max-time",
            "30",
            "--tlsv1.3",
            "--cacert",
            PLACE / "ca.pem",
            "--resolve",
            f"{DOMAIN}:443:{server.address}",
            *options,
            url,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemoError(f"curl {url}: {done.stderr.strip()}")
    return done.stdout


def show(server: Server) -> None:
    """Read the page, and log in with the password that the server made."""
    page = curl(server, f"https://{DOMAIN}/")
    status = curl(server, f"https://{DOMAIN}/", "-o", "/dev/null", "-w", "%{http_code} HTTP/%{http_version}")
    title = re.search(r"<title>(.*?)</title>", page)
    if title is None or not status.startswith("200"):
        raise DemoError(f"https://{DOMAIN}/ answered {status} and is no WordPress page")
    print(f"  title    {html.unescape(title[1])}")
    print(f"  status   {status}, TLS 1.3, certificate of the server's own authority")
    password = server.read(f"/etc/wsh/secrets/{SITE}/admin").decode()
    answer = subprocess.run(
        [
            "curl",
            "-sS",
            "--max-time",
            "30",
            "--cacert",
            PLACE / "ca.pem",
            "--resolve",
            f"{DOMAIN}:443:{server.address}",
            "-b",
            "wordpress_test_cookie=WP%20Cookie%20check",
            "-c",
            "/dev/null",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{redirect_url}",
            "--data-urlencode",
            "pwd@-",
            "-d",
            "log=alice&testcookie=1",
            f"https://{DOMAIN}/wp-login.php",
        ],
        input=password,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if answer != f"302 https://{DOMAIN}/wp-admin/":
        raise DemoError(f"the login was answered by {answer}")
    print("  login    alice is let in, with the password that only root on the server can read")


def closing(server: Server) -> None:
    packages = server.run(["ls", "/var/cache/wsh/debian"], check=False).stdout.split()
    source = f"Debian's package {packages[0]}" if packages else "the official archive"
    print(f"""
It runs. WordPress came from {source}.
  open    add "{server.address} {DOMAIN}" to /etc/hosts, then https://{DOMAIN}/ (authority: {PLACE}/ca.pem)
  edit    {PLACE}/servers/{NAME}/accounts/alice.yaml, then: {WSH} -C {PLACE} apply
  inside  {WSH} lab shell {NAME}
  remove  ./demo --remove""")


def remove(lab: Lab) -> None:
    clear(lab)
    print(f"The server {NAME} and {PLACE} are gone. The lab's images stay in its cache, wsh in /opt/wsh.")


def run(lab: Lab) -> None:
    began = time.monotonic()
    running = {s.name: s for s in lab.servers()}.get(NAME)
    if running is not None and running.condition == "running" and (PLACE / "ca.pem").exists():
        server = running
        step("The server is there. Is everything as described?", lambda: wsh("apply", "--yes"))
    else:
        clear(lab)
        server = step("Boot a Debian 13 server (its image is built once, from Debian's packages)", lambda: lab.up(NAME))
        step("Describe it", lambda: describe(server))
        step("Make it a wsh server", lambda: wsh("server", "setup", NAME))
        (PLACE / "ca.pem").write_bytes(server.read("/var/lib/wsh/ca/ca.pem"))
        step(
            "Add an account",
            lambda: wsh(
                "account",
                "add",
                "alice",
                "--name",
                "Alice Example",
                "--email",
                "alice@example.org",
                "--package",
                "small",
            ),
        )
        step(
            "Add a WordPress",
            lambda: wsh(
                "site",
                "add",
                "--app",
                "wordpress",
                "--account",
                "alice",
                "--domain",
                DOMAIN,
                "--set",
                "title=Alice's blog",
                "--no-input",
            ),
        )
    step("Visit it", lambda: show(server))
    closing(server)
    print(f"\n{time.monotonic() - began:.0f}s in all")


def clear(lab: Lab) -> None:
    if NAME in {server.name for server in lab.servers()}:
        lab.down(NAME)
    shutil.rmtree(PLACE, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./demo", description=__doc__)
    parser.add_argument("--remove", action="store_true", help="take the server and its description away again")
    options = parser.parse_args()
    os.umask(0o022)
    try:
        (remove if options.remove else run)(Lab())
    except DemoError as error:
        help_ = f"{WSH} lab shell {NAME}   then look at /var/log/wsh and journalctl -b"
        print(f"\nerror[demo]: {error}\n  help: {help_}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
