"""The Debian packages that the lab needs on the machine that runs it.

``python -m wsh_lab.requirements`` prints them, one a line, for ``apt-get install``.
"""

from __future__ import annotations

import os
import shutil
import sys

from wsh_lab.errors import LabError

# tool → the Debian package that has it
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nft": "nftables",
    "mkfs.ext4": "e2fsprogs",
    "mount": "mount",
    "losetup": "mount",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "tar": "tar",
}
PACKAGES = sorted({*TOOLS.values(), "debian-archive-keyring"})
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing() -> list[str]:
    """The packages whose tools are not there."""
    return sorted({package for tool, package in TOOLS.items() if shutil.which(tool, path=SEARCH_PATH) is None})


def check() -> None:
    """Raise `LabError` unless this process is root and all tools are there."""
    if os.geteuid() != 0:
        raise LabError(
            "not-root",
            "the lab needs root: it mounts, makes network namespaces and boots servers",
            "run the same command with sudo",
        )
    packages = missing()
    if packages:
        raise LabError(
            "missing-tools",
            f"not installed here: {', '.join(packages)}",
            f"apt-get install --no-install-recommends {' '.join(packages)}",
        )


if __name__ == "__main__":
    sys.stdout.write("\n".join(PACKAGES) + "\n")
