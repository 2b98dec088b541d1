"""Runs on a server: one line for each thing below the given directories, with all that an attack could change.

Usage: fingerprint.py DIRECTORY…  Owner, group, mode, access control lists and other attributes, content, target.
"""

import hashlib
import os
import stat
import sys


def line(path):
    info = os.lstat(path)
    attributes = {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in os.listxattr(path, follow_symlinks=False)}
    content = ""
    if stat.S_ISREG(info.st_mode):
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    elif stat.S_ISLNK(info.st_mode):
        content = os.readlink(path)
    return f"{path} {info.st_uid}:{info.st_gid} {info.st_mode:o} {sorted(attributes.items())} {content}"


for top in sys.argv[1:]:
    print(line(top))
    for directory, directories, files in os.walk(top):
        directories.sort()
        for name in sorted(directories + files):
            print(line(os.path.join(directory, name)))
