"""Runs on a server: one line for each thing below the given directories, with all that an attack could
change: owner, group, mode, access control lists and other attributes, content or target.
"""

import hashlib
import os
import sys
from pathlib import Path


def line(path):
    info = path.lstat()
    names = os.listxattr(path, follow_symlinks=False)
    attributes = {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in sorted(names)}
    content = ""
    if path.is_symlink():
        content = path.readlink()
    elif path.is_file():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{path} {info.st_uid}:{info.st_gid} {info.st_mode:o} {attributes} {content}\n"


for top in map(Path, sys.argv[1:]):
    sys.stdout.writelines(line(path) for path in sorted([top, *top.rglob("*")]))
