"""What holds the tree together: who may import whom, who prints, who opens files, how programs start."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "wsh_core"
AGENT = CORE / "agent"

LAYERS = (
    "errors", "agent", "releases", "models", "resources", "vocabulary", "plugin", "hookspecs", "plugins",
    "builtin", "features", "plan", "transport", "upstream", "testing", "cli",
)  # fmt: skip
"""Each may import those before it."""

OF_THE_AGENT = {"paths", "protocol", "versions"}
"""The modules of the agent that the controller may import: constants and types."""


def trees(directory: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(directory.rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(), str(path), feature_version=(3, 11))


def imports(file: str, tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module that is imported anywhere in a file, by its whole name, with the line."""
    package = ["wsh_core", *Path(file).relative_to("wsh_core").parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def layer(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "wsh_core" and len(parts) > 1 and parts[1] in LAYERS else None


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_imports_run_one_way() -> None:
    backwards = []
    for file, tree in trees(CORE):
        here = layer("wsh_core." + file.split("/")[1].removesuffix(".py"))
        for name, line in imports(file, tree) if here else ():
            there = layer(name)
            if there and LAYERS.index(there) > LAYERS.index(here):
                backwards.append(f"{file}:{line} {name}")
    assert backwards == []


def test_every_package_has_its_layer() -> None:
    names = {path.stem for path in CORE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert names - {"__init__"} == set(LAYERS)


def test_the_controller_knows_constants_of_the_agent_and_nothing_else() -> None:
    strange = [
        f"{file}:{line} {name}"
        for file, tree in trees(CORE)
        if not file.startswith("wsh_core/agent/")
        for name, line in imports(file, tree)
        if name.startswith("wsh_core.agent") and name.split(".")[2:3] and name.split(".")[2] not in OF_THE_AGENT
    ]
    assert strange == []


def test_the_agent_needs_the_standard_library_alone_and_imports_itself_relatively() -> None:
    strange = []
    for file, tree in trees(AGENT):
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            strange += [f"{file}:{node.lineno} {n}" for n in names if n.split(".")[0] not in sys.stdlib_module_names]
    assert strange == []


def _is_shell(name: str, word: ast.keyword) -> bool:
    started = name.startswith("subprocess.") or ast.unparse(word.value) == "True"
    return word.arg == "shell" and started and ast.unparse(word.value) != "False"


@pytest.mark.parametrize("directory", ["wsh_core", "plugins", "tools", "benchmarks"])
def test_no_program_is_started_by_a_shell(directory: str) -> None:
    strange = [
        f"{file}:{call.lineno} {name}"
        for file, tree in trees(ROOT / directory)
        for name, call in calls(tree)
        if name in {"os.system", "os.popen"} or any(_is_shell(name, word) for word in call.keywords)
    ]
    assert strange == []


SPEAK = {
    "wsh_core/agent/": "its events are its answer",
    "wsh_core/cli/": "the layer that prints",
    "wsh_core/transport/library/wsh_agent.py": "an Ansible module answers on stdout",
}


def test_only_the_command_prints() -> None:
    strange = []
    for file, tree in trees(CORE):
        if file.startswith(tuple(SPEAK)):
            continue
        strange += [f"{file}:{call.lineno} {name}" for name, call in calls(tree) if name in {"print", "click.echo"}]
        strange += [
            f"{file}:{node.lineno} {ast.unparse(node)}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout", "sys.stderr"}
        ]
    assert strange == []


def test_click_neither_asks_nor_requires() -> None:
    """It would stop at the first thing that is missing and, without a terminal, say `Aborted!`."""
    asking = {
        "click.prompt",
        "click.confirm",
        "click.echo",
        "click.secho",
        "click.style",
        "input",
        "getpass.getpass",
    }
    strange = []
    for file, tree in trees(CORE / "cli"):
        for name, call in calls(tree):
            words = {word.arg for word in call.keywords} & {
                "prompt",
                "required",
                "confirmation_prompt",
                "hide_input",
            }
            if words or name in asking:
                strange.append(f"{file}:{call.lineno} {name} {sorted(map(str, words))}")
    assert strange == []


WRITERS = {"envelope.py": {"print"}, "reference.py": {"sys.stdout.write"}}
"""What writes to a stream without `terminal.Console`: JSON, and a page of the documentation."""


def test_what_people_read_goes_through_the_console() -> None:
    """Its `line` escapes whatever it is given: text of tenants cannot reach a terminal by another way."""
    strange = []
    for file, tree in trees(CORE / "cli"):
        allowed = WRITERS.get(Path(file).name, set())
        for name, call in calls(tree):
            writes = name == "print" or name.endswith((".stream.write", "stdout.write", "stderr.write"))
            if writes and name not in allowed and not file.endswith("cli/terminal.py"):
                strange.append(f"{file}:{call.lineno} {name}")
    repaint = {"wsh_core/cli/render/live.py": "the control sequences of the live area"}
    prompt = {"wsh_core/cli/questions.py": "a prompt has no newline; its text went through Console.render"}
    assert [one for one in strange if one.split(":")[0] not in {*repaint, *prompt}] == []


OS_CALLS = {
    "open", "stat", "lstat", "listdir", "scandir", "mkdir", "makedirs", "rename", "replace", "link",
    "symlink", "readlink", "unlink", "remove", "rmdir", "chmod", "chown", "lchown", "utime", "setxattr",
    "getxattr", "listxattr", "removexattr", "walk", "fwalk", "mknod", "mkfifo", "truncate", "access", "chdir",
    "chroot",
    "renames", "statvfs", "path.exists", "path.isdir", "path.isfile", "path.islink", "path.lexists",
    "path.realpath",
}  # fmt: skip
PATH_CALLS = {f"os.{name}" for name in OS_CALLS} | {"open", "Path", "pathlib.Path"}

BY_PATH = {
    "acl.py": "on descriptors: the attributes of a file that safefs has opened",
    "assemble.py": "runs as the account, in its jail",
    "compose.py": "runs as a user of its own, in a directory of root's that is only its own",
    "dump.py": "runs as the account, in its jail",
    "enter.py": "its own file",
    "fetch.py": "runs as a user of its own, in a directory of root's that is only its own",
    "ledger.py": "a copy of the ledger, in /var/lib/wsh, which is root's alone",
    "moves.py": "runs as the account, in its jail",
    "safefs.py": "the one place: openat2(2), BENEATH and NO_SYMLINKS",
    "shadow.py": "a mount namespace of its own, over root's directories",
    "steps.py": "runs as the account, in its jail",
    "tree.py": "runs as the account, in its jail",
    "union.py": "runs as the account, in its jail",
    "unpack.py": "runs as the account, in its jail",
}
"""Modules of the agent that may use paths, and why an account cannot turn that against root."""


def test_root_never_resolves_a_path_that_an_account_can_write() -> None:
    strange = []
    for file, tree in trees(AGENT):
        for name, call in calls(tree):
            beneath = any(word.arg in {"dir_fd", "src_dir_fd"} for word in call.keywords)
            if (name in PATH_CALLS or name.startswith("shutil.")) and not beneath and Path(file).name not in BY_PATH:
                strange.append(f"{file}:{call.lineno} {ast.unparse(call)[:80]}")
    assert strange == []


@pytest.mark.parametrize("name", BY_PATH)
def test_every_module_that_may_use_paths_does(name: str) -> None:
    tree = ast.parse((AGENT / name).read_text())
    assert any(called in PATH_CALLS or called.startswith("shutil.") for called, _ in calls(tree))


JAILED = {"assemble", "compose", "dump", "moves", "steps", "tree", "union", "unpack", "helper"}
"""Modules that run as the account or as the user that fetches. Root's side must not call into them."""


def test_root_s_side_does_not_call_what_runs_as_the_account() -> None:
    strange = []
    for file, tree in trees(AGENT):
        if Path(file).stem in {*JAILED, "main"}:
            continue
        for name, line in imports(file, tree):
            if set(name.split(".")[2:]) & JAILED:
                strange.append(f"{file}:{line} {name}")
    assert strange == []
