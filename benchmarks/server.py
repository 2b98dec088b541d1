"""A lab server with wsh installed on it as an operator would, and any number of accounts with three sites each."""

from __future__ import annotations

import itertools
import json
import string
import sys
import tempfile
from pathlib import Path
from typing import Any

from wsh_lab import Lab, Server

from tests.lab.prepare import wsh_image
from tools import wheelhouse

DESCRIPTION = "/etc/wsh/description"
ORGANISATION = """\
description: 3f0c2a9e-5d1b-4b7e-9a51-0c5d1e6f7a8b
plugins: []
packages:
  small: {disk: 2G, inodes: 200000, memory: 512M, cpu: 50%, tasks: 100, sites: 4, databases: 3}
"""
ACCOUNT = """\
name: Account {name}
package: small
sites:
  one: {{domains: [one.{name}.test], app: static}}
  two: {{domains: [two.{name}.test], app: php}}
  three: {{domains: [three.{name}.test], app: php}}
"""


def names(count: int) -> list[str]:
    letters = itertools.product(string.ascii_lowercase, repeat=3)
    return ["b" + "".join(part) for part in itertools.islice(letters, count)]


class Bench:
    """The server and what is done on it; times are taken inside, so that the way in does not count."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        if "bench" in {server.name for server in lab.servers()}:
            self.close()
        self.server: Server = lab.up("bench", image=wsh_image(lab))
        self.wsh = wheelhouse.install(self.server, Path(tempfile.gettempdir()) / "wsh-wheels")
        for name in ("bare.py", "raw_site.sh"):
            self.server.push(str(Path(__file__).parent / name), f"/root/{name}")

    def close(self) -> None:
        self.lab.down("bench")

    def describe(self, count: int) -> None:
        """Write a description of so many accounts."""
        with tempfile.TemporaryDirectory() as scratch:
            accounts = Path(scratch) / "servers/web1/accounts"
            accounts.mkdir(parents=True)
            (Path(scratch) / "wsh.yaml").write_text(ORGANISATION)
            (accounts.parent / "server.yaml").write_text("address: localhost\ndebian: 13\n")
            for name in names(count):
                (accounts / f"{name}.yaml").write_text(ACCOUNT.format(name=name))
            self.server.run(["rm", "-rf", DESCRIPTION])
            self.server.push(scratch, DESCRIPTION)
        self.server.run(["chown", "-R", "wsh:wsh", DESCRIPTION])
        self.server.run(["chmod", "-R", "u=rwX,go=rX", DESCRIPTION])

    def apply(self, *options: str) -> dict[str, Any]:
        """Apply the description on the server itself; the last line of its JSON."""
        done = self.server.run(
            [self.wsh, "-C", DESCRIPTION, "apply", "--yes", "--json", *options], check=False, timeout=3600
        )
        last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if not last["ok"]:
            sys.exit(f"apply failed: {json.dumps(last, indent=1)[:2000]}")
        return last

    def seconds(self, script: str, *, input: str | None = None, runs: int) -> list[float]:
        """Wall-clock seconds of a shell command on the server, without the first run."""
        self.server.write("/root/input", (input or "").encode())
        program = (
            "import subprocess,sys,time,json\nfound=[]\n"
            f"for n in range({runs + 1}):\n t=time.perf_counter()\n"
            " subprocess.run(['sh','-ec',sys.argv[1]],check=True,stdin=open('/root/input'),stdout=subprocess.DEVNULL,"
            "env={'N':str(n),'PATH':'/usr/sbin:/usr/bin:/sbin:/bin','HOME':'/root','LANG':'C.UTF-8'})\n"
            " found.append(time.perf_counter()-t)\nprint(json.dumps(found[1:]))"
        )
        done = self.server.run(["python3", "-c", program, script], timeout=3600)
        return list(json.loads(done.stdout))

    def state(self, count: int) -> str:
        """Every path whose state belongs to the accounts, for the bare reading."""
        program = (
            "import json,os,pwd,sys\nw={'directories':[],'files':[],'links':[]}\n"
            "def add(p):\n"
            " w['links' if os.path.islink(p) else 'directories' if os.path.isdir(p) else 'files'].append(p)\n"
            "for name in sys.argv[1:]:\n u=pwd.getpwnam(name).pw_uid\n"
            " for p in ('/home/%s','/home/%s/home','/home/%s/sites','/var/log/wsh/%s'): add(p%name)\n"
            " for key in ('one','two','three'):\n"
            "  for p in ('/home/%s/sites/%s','/home/%s/sites/%s/app','/var/lib/wsh/tls/%s-%s/cert.pem',"
            "'/var/lib/wsh/tls/%s-%s/key.pem','/etc/apache2/wsh/sites/%s-%s.conf'): add(p%(name,key))\n"
            " for d,ds,fs in os.walk('/var/lib/wsh/jail/%d'%u):\n  for n in ds+fs: add(os.path.join(d,n))\n"
            " for d in ('/etc/systemd/system.control/wsh-%d.slice.d'%u,):\n"
            "  for n in os.listdir(d): add(d+'/'+n)\n"
            " for n in ('socket','service'): add('/etc/systemd/system/wsh-php84-%d.%s'%(u,n))\n"
            "print(json.dumps(w))"
        )
        return self.server.run(["python3", "-c", program, *names(count)]).stdout
