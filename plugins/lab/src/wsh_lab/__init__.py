r"""Disposable Debian servers on one machine, as root, with or without systemd as its process 1.

```python
from wsh_lab import Lab

lab = Lab(report=print)                       # $WSH_LAB_DIR or /var/cache/wsh-lab
image = lab.prepared("web-1", prepare)        # once per key: prepare(server) on a fresh server
web = lab.up("web", image=image)              # a clone, booted and ready
web.run(["id"]).stdout                        # inside, as root, in milliseconds
web.ssh(["id"], user="alice")                 # by the real OpenSSH client
web.write("/etc/motd", "hello\n"); web.push("site/", "/srv/site"); web.pull("/var/log", "log")
web.reboot(); web.kill(); web.start(); web.stop()
lab.down("web")                               # nothing of it is left
```
Every failure is a `LabError` with cause and remedy; a command that ends badly is a `CommandError`, which has
its result.
"""

from __future__ import annotations

from wsh_lab.errors import CommandError, LabError
from wsh_lab.images import Image
from wsh_lab.lab import Lab
from wsh_lab.server import Server
from wsh_lab.ssh import SshConfig

__all__ = ["CommandError", "Image", "Lab", "LabError", "Server", "SshConfig"]
