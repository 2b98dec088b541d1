"""Files and directories on their way into a server and out of it, as tar streams."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from wsh_lab.tools import ENVIRONMENT


def pack(local: Path, name: str, stream: IO[bytes]) -> None:
    """Write ``local`` under the given name, as root's; leave the stream at its beginning."""
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.add(local, arcname=name, filter=_as_root)
    stream.seek(0)


def unpack(stream: IO[bytes], name: str, local: Path) -> None:
    """Make ``local`` of what the stream holds under that name; nothing in it reaches another place."""
    stream.seek(0)
    with tempfile.TemporaryDirectory(dir=local.absolute().parent) as place:
        # GNU tar lets no member out of the directory; Python's tarfile knows how only from 3.11.4 on.
        argv = ["tar", "--extract", f"--directory={place}", "--no-same-owner"]
        subprocess.run(argv, stdin=stream, check=True, env=ENVIRONMENT)
        (Path(place) / name).rename(local)


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
