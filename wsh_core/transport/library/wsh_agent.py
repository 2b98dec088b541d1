"""Run wsh's agent on this server: the one Ansible module that wsh has. Standard library only, Python 3.11.

The parameter `call` is base64(zlib(JSON)) of {directory, name, data, words, request}: opaque, so that
Ansible neither fills in templates nor scrubs secrets nor logs anything of it. The answer is in `wsh`:
{"need": NAME} when the agent's file is not in the directory, else {"status", "out", "err"}, `out` packed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

KEPT = 5


def installed(directory: str, name: str) -> bool:
    """Whether the agent of that name is in `directory`, whole."""
    try:
        return name == file_name(Path(directory, name).read_bytes())
    except FileNotFoundError:
        return False


def file_name(data: bytes) -> str:
    """The name that an agent's file must have."""
    return f"agent-{hashlib.sha256(data).hexdigest()[:16]}.pyz"


def install(directory: str, name: str, data: bytes) -> None:
    """Put the agent's file into `directory`, whole or not at all; a few older ones stay, they may be running.

    Raises ValueError when the data are not those of that name, OSError when it cannot be written.
    """
    if name != file_name(data):
        raise ValueError(f"{name} did not arrive whole")
    temporary = Path(directory, f".{name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.chmod(0o644)
        temporary.rename(Path(directory, name))
    finally:
        temporary.unlink(missing_ok=True)
    agents = sorted(Path(directory).glob("agent-*.pyz"), key=lambda path: path.stat().st_mtime_ns)
    for old in agents[:-KEPT]:
        old.unlink(missing_ok=True)


def pack(value: object) -> str:
    """One opaque ASCII word that stands for a JSON value."""
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode("ascii")


def unpack(word: str) -> Any:
    """The JSON value that a word of `pack` stands for."""
    return json.loads(zlib.decompress(base64.b64decode(word)))


def answer(call: dict[str, Any]) -> dict[str, Any]:
    """Do what a call asks for."""
    directory = call["directory"]
    if os.geteuid() != 0:
        return {"error": "need-root"}
    if not Path(directory).is_dir():
        return {"error": "not-ready"}
    if not installed(directory, call["name"]):
        if not call["data"]:
            return {"need": call["name"]}
        install(directory, call["name"], base64.b64decode(call["data"]))
    argv = [sys.executable, "-I", f"{directory}/{call['name']}", *call["words"]]
    done = subprocess.run(argv, input=call["request"].encode(), capture_output=True, check=False)
    return {
        "status": done.returncode,
        "out": pack(done.stdout.decode("utf-8", "replace")),
        "err": done.stderr.decode("utf-8", "replace")[-4000:],
    }


def main() -> None:
    """Ansible's entry. The import stands here, so that Ansible sends the module in one piece (pipelining)."""
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(argument_spec={"call": {"type": "str", "required": True, "no_log": True}})
    try:
        module.exit_json(changed=False, wsh=answer(unpack(module.params["call"])))
    except Exception as error:  # noqa: BLE001 - Ansible would lose what it was
        module.exit_json(changed=False, wsh={"error": "failed", "err": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
