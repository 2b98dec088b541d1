"""Programs as steps: their pipes, clocks and limits; and the shim by which PHP is started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from wsh_core.agent import steps
from wsh_core.agent.errors import AgentError
from wsh_core.agent.steps import CallerGoneError, Outcome, run

SHIM = Path(steps.__file__).parent / "shim.php"


def sh(script: str, *, input: str = "", timeout: float = 20, **more: Any) -> Outcome:
    return run(["sh", "-c", script], input=input, env=os.environ, directory="/", timeout=timeout, **more)


def running(session: int) -> list[str]:
    """The command lines of a session's processes, once those that were killed had time to die."""
    for _ in range(100):
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdecimal():
                try:
                    fields = (process / "stat").read_text().rpartition(")")[2].split()
                    if int(fields[3]) == session and fields[0] != "Z":
                        found.append((process / "cmdline").read_text())
                except OSError:
                    continue
        if not found:
            return []
        time.sleep(0.02)
    return found


def test_input_outputs_and_code_are_the_programs_own() -> None:
    outcome = sh("cat; echo err >&2; umask; exit 7", input="ÄÖ\n")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (7, "ÄÖ\n0027\n", "err\n")


def test_a_program_that_does_not_read_its_input_is_no_trouble() -> None:
    assert sh("exec <&-; sleep 0.1; echo done", input="x" * (1 << 20)).stdout == "done\n"


def test_much_goes_in_and_of_much_that_comes_out_the_end_is_kept() -> None:
    outcome = sh("cat; echo the end", input="x" * (8 << 20))
    assert outcome.stdout.startswith("[…]x")
    assert outcome.stdout.endswith("xthe end\n")
    assert len(outcome.stdout) == steps.OUTPUT + 3


@pytest.mark.parametrize("script", ["sleep 60", "yes", "trap '' TERM; sleep 60 & wait", "exec >&- 2>&-; sleep 60"])
def test_time_runs_out_for_all_that_was_started(script: str) -> None:
    outcome = sh(f"echo $$; {script}", timeout=0.5)
    assert outcome.code is None
    assert outcome.seconds < 3
    if outcome.stdout.strip().isdecimal():
        assert running(int(outcome.stdout)) == []


def test_who_dies_by_a_signal_ends_as_the_shell_says_it() -> None:
    assert sh("kill -SEGV $$").code == 139


def test_what_a_step_leaves_behind_does_not_hold_it_up() -> None:
    outcome = sh("sleep 60 & echo $$")
    assert outcome.code == 0
    assert outcome.seconds < 5
    assert running(int(outcome.stdout)) == []


def test_memory_is_limited_for_the_step_alone() -> None:
    grow = 'python3 -c "b = bytearray(300 << 20); print(len(b))"'
    assert sh(grow, memory=1 << 28).code == 1
    assert sh(grow).stdout == f"{300 << 20}\n"


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(AgentError, match="/no/such/program"):
        run(["/no/such/program"], input="", env={}, directory="/", timeout=5)


def test_when_the_caller_goes_the_step_is_killed(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    threading.Timer(0.3, os.close, [writer]).start()
    with pytest.raises(CallerGoneError):
        sh(f"echo $$ > {tmp_path}/pid; sleep 60", caller=reader)
    os.close(reader)
    assert running(int((tmp_path / "pid").read_text())) == []


# the shim


@pytest.fixture(scope="module")
def php() -> str:
    found = shutil.which("php")
    if found is None:
        pytest.fail("PHP is not installed here: apt-get install php-cli")
    return found


def shim(
    php: str, entry: Path | str, *argv: str, input: str = "", ini: dict[str, str] | None = None, **env: str
) -> Outcome:
    step = {"argv": list(argv), "ini": ini or {}, "env": env, "input": input, "memory": 99 << 20}
    frame = steps._frame(step, str(entry), "/tmp")
    return run([php, *steps._php("8.4")[1:-1], str(SHIM)], input=frame, env={}, directory="/", timeout=20)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_an_entry_finds_what_it_would_find_if_it_were_started_itself(php: str, tmp_path: Path) -> None:
    entry = write(
        tmp_path / "e.php",
        """#!/usr/bin/env php
<?php
declare(strict_types=1);
namespace App;
echo json_encode([$argv, $argc, $_SERVER['argv'], $_SERVER['argc'], $_SERVER['SCRIPT_FILENAME'],
    $_SERVER['PHP_SELF'], PHP_SAPI, __FILE__, getcwd(), getenv('X'), $_SERVER['X'],
    ini_get('memory_limit'), ini_get('precision'),
    fgets(STDIN), fgets(STDIN), fgets(STDIN), count(debug_backtrace())],
    JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
exit(9);
""",
    )
    outcome = shim(php, entry, "one", "two words", "ä'\"$x", input="first\nsecond\n", ini={"precision": "5"}, X="é")
    argv = [str(entry), "one", "two words", "ä'\"$x"]
    assert outcome.stderr == ""
    assert json.loads(outcome.stdout) == [
        argv,
        4,
        argv,
        4,
        str(entry),
        str(entry),
        "cli",
        str(entry),
        "/tmp",
        "é",
        "é",
        str(99 << 20),
        "5",
        "first\n",
        "second\n",
        False,
        1,
    ]
    assert outcome.code == 9


@pytest.mark.parametrize(
    "read", ["file_get_contents('php://stdin')", "stream_get_contents(STDIN)", "shell_exec('cat')"]
)
def test_not_a_byte_of_the_entrys_input_is_taken(php: str, tmp_path: Path, read: str) -> None:
    entry = write(tmp_path / "e.php", f"<?php echo md5({read});")
    text = "0123456789" * 30000 + "ende"
    import hashlib

    assert shim(php, entry, input=text).stdout == hashlib.md5(text.encode()).hexdigest()


def test_an_entry_that_looks_whether_it_was_included_sees_that_it_was_started(php: str, tmp_path: Path) -> None:
    entry = write(
        tmp_path / "e.php",
        "<?php $f = fn() => null; echo count(array_filter(debug_backtrace(), fn($c) => "
        "($c['function'] ?? '') !== 'require')), realpath($_SERVER['argv'][0]) === __FILE__;",
    )
    assert shim(php, entry).stdout == "01"


@pytest.mark.parametrize(
    "text", ["#!/bin/sh\necho hello\n", "hello", "", "#!/bin/sh\n<?php echo 1;", "\n<?php echo 1;"]
)
def test_what_is_no_php_program_is_refused(php: str, tmp_path: Path, text: str) -> None:
    outcome = shim(php, write(tmp_path / "drush", text))
    assert (outcome.code, outcome.stdout) == (97, "")
    assert "is not a PHP program" in outcome.stderr


def test_a_missing_entry_is_refused(php: str, tmp_path: Path) -> None:
    outcome = shim(php, tmp_path / "none.php")
    assert outcome.code == 97
    assert "there is no file" in outcome.stderr


def test_a_setting_that_cannot_be_made_is_an_error(php: str, tmp_path: Path) -> None:
    outcome = shim(php, write(tmp_path / "e.php", "<?php echo 1;"), ini={"opcache.enable_cli": "1"})
    assert (outcome.code, outcome.stdout) == (98, "")
    assert "opcache.enable_cli" in outcome.stderr


@pytest.mark.parametrize(
    "frame", ["", "0000", "00000100\n{}", "12345678\n", "0000000a\n{}", "00000002\n[]", "00000009\nnot json "]
)
def test_a_broken_frame_is_an_error(php: str, frame: str) -> None:
    outcome = run([php, str(SHIM)], input=frame, env={}, directory="/", timeout=20)
    assert (outcome.code, outcome.stdout) == (98, "")


def test_a_stack_trace_does_not_print_arguments(php: str, tmp_path: Path) -> None:
    entry = write(tmp_path / "e.php", "<?php function login(string $p) { throw new Exception('no'); } login($argv[1]);")
    outcome = shim(php, entry, "hunter2secret")
    assert outcome.code == 255
    assert "hunter2secret" not in outcome.stdout + outcome.stderr


def test_nothing_secret_is_in_any_process_list(php: str, tmp_path: Path) -> None:
    """/proc is watched while an entry runs that was given secrets in every way and starts a child."""
    entry = write(tmp_path / "e.php", "<?php fgets(STDIN); passthru('sleep 0.5'); echo 'ok';")
    secret = "S3cretThatNobodySees"
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for process in Path("/proc").iterdir():
                if process.name.isdecimal() and int(process.name) != os.getpid():
                    try:
                        text = (process / "cmdline").read_bytes() + b" " + (process / "environ").read_bytes()
                    except OSError:
                        continue
                    if secret.encode() in text:
                        seen.append(text.decode(errors="replace"))
                    if str(SHIM).encode() in text:
                        looked.append(process.name)
            time.sleep(0.01)

    looked: list[str] = []
    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        outcome = shim(php, entry, f"--admin-pass={secret}", input=f"{secret}\n")
    finally:
        over.set()
        watcher.join()
    assert outcome.stdout == "ok"
    assert len(looked) > 5
    assert seen == []


def test_the_watch_for_secrets_would_see_one() -> None:
    process = subprocess.Popen(["sleep", "5.00001"])
    try:
        time.sleep(0.2)
        assert b"5.00001" in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    finally:
        process.kill()
        process.wait()
