"""Alice's PHP sees no file, name or process of bob's; without the defence that a control names, it does."""

from __future__ import annotations

import pytest

from tests.attacks import defences
from tests.attacks.scene import BOB_HOME, MARK, REPORT, Scene
from wsh_core.agent import paths

pytestmark = pytest.mark.needs_machine("lab")


def shell(scene: Scene, command: str) -> list[str]:
    """What a command of alice's PHP says, line by line; it must be able to run one."""
    text = scene.php(f"echo shell_exec({f'({command}) 2>/dev/null; echo; echo done'!r});")
    lines = [line for line in text.splitlines() if line]
    assert lines.pop() == "done"
    return lines


# files

BOBS_FILES = (
    *(f"{BOB_HOME}/{name}" for name in ("app/key.txt", "app/config.php", "app/index.php", "notes.txt")),
    REPORT, "/home/bob", "/home/bob/home", "/home/bob/sites", "/home/alice/../bob", "/proc/1/root/home/bob",
    "/proc/self/root/home/bob", "/run/wsh/web/bob", "/run/wsh/fpm", "/var/lib/mysql", "/var/log/wsh/bob",
    "/var/log/wsh/bob/www-access.log", "/var/lib/wsh", "/var/lib/wsh/ledger.db",
    "/etc/wsh/server.json", "/etc/wsh/secrets", "/etc/apache2/wsh/sites/bob-www.conf",
)  # fmt: skip
OWN_FILE = "/home/alice/sites/www/app/own.php"
WAYS = (
    "file_get_contents", "scandir", "file_exists", "is_dir", "lstat", "glob", "realpath",
    "opcache_compile_file", "opcache_is_script_cached", "fn($path) => include $path",
    "fn($path) => copy($path, '/tmp/x')", "fn($path) => fopen($path, 'a') != false",
)  # fmt: skip
"""What PHP can do with a path; nothing comes of it, or false."""


def test_no_file_of_bobs_can_be_read_listed_or_even_seen(scene: Scene) -> None:
    ways = ", ".join(way if way.startswith("fn") else f"{way}(...)" for way in WAYS)
    scene.put("own.php", "<?php return 'her own';")
    tried = f"array_filter(array_map(fn($way) => @$way($path), [{ways}]))"
    *found, own = scene.value(f"array_map(fn($path) => {tried}, {[*BOBS_FILES, OWN_FILE]})")
    assert len(own) > 5
    assert {path: seen for path, seen in zip(BOBS_FILES, found, strict=True) if seen} == {}


def test_nothing_in_the_whole_tree_is_bobs_or_called_after_him(scene: Scene) -> None:
    uid = scene.uids["bob"]
    assert shell(scene, f"find / -uid {uid} -o -gid {uid}") == []
    scene.put("like-bob", MARK)
    planted = ["/home/alice/sites/www/app/like-bob"]
    others = ("/usr", "/proc", "/sys")
    skipped = "".join(f" -path {place} -prune -o" for place in others)
    assert shell(scene, f"find /{skipped} -iname '*bob*' -print") == planted
    skipped = "".join(f" --exclude-dir={place[1:]}" for place in others)
    assert shell(scene, f"grep -rls {MARK.replace('-', '[-]')} /{skipped}") == planted


MEETING_PLACES = (
    "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/dev/hugepages", "/run", "/run/wsh/mail", "/run/mysqld",
)  # fmt: skip


def leave_everywhere(scene: Scene) -> None:
    """Bob, from his PHP, leaves open files wherever he can; and shared memory, and a queue."""
    scene.world.put("bob", "www/app/leave.php", f"""<?php
        foreach ({list(MEETING_PLACES)!r} as $place)
            if (@file_put_contents("$place/bobs-{MARK}", '{MARK}')) chmod("$place/bobs-{MARK}", 0666);
        echo shell_exec('ipcmk -M 64 -p 0666; ipcmk -Q -p 0666; ipcs -a | grep -c 666');""")  # fmt: skip
    left = scene.world.get("https://www.bob.test/leave.php")
    assert left.status == 200
    assert left.body.strip().endswith("2")


def test_there_is_no_place_where_both_meet(scene: Scene) -> None:
    leave_everywhere(scene)
    places = " ".join(MEETING_PLACES)
    assert [line for line in shell(scene, f"find {places}") if "bob" in line] == []
    assert [line for line in shell(scene, "ipcs -a") if "666" in line] == []


def test_control_with_the_servers_own_shared_memory_they_meet(scene: Scene) -> None:
    shared = ("TemporaryFileSystem=", "PrivateIPC=no")
    with defences.sandbox(scene, "alice", *shared), defences.sandbox(scene, "bob", *shared):
        leave_everywhere(scene)
        assert shell(scene, "cat /dev/shm/bobs-*") == [MARK]
        assert [line for line in shell(scene, "ipcs -a") if "666" in line] != []
        scene.server.run(["sh", "-c", "rm /dev/shm/bobs-*"])


# names


def test_no_name_of_bobs_is_known(scene: Scene) -> None:
    uid, passwd, group = scene.uids["bob"], "posix_getpw", "posix_getgr"
    asked = f"{passwd}nam('bob'), {group}nam('bob'), {passwd}uid({uid}), {group}gid({uid})"
    assert scene.value(f"[{asked}]") == [False] * 4
    assert scene.value(f"posix_getgrgid({paths.GROUP_GID})['members']") == ["alice"]
    listed = {"/home": "alice", "/run/wsh": "mail", "/etc/wsh": "php"}
    assert scene.value(f"array_map('scandir', {[*listed]})") == [[".", "..", only] for only in listed.values()]
    names = [
        line.partition(":")[0] for line in shell(scene, "getent passwd; cat /etc/passwd; getent group; cat /etc/group")
    ]
    assert set(names) == {"root", "alice", paths.GROUP}
    assert shell(scene, "getent passwd bob; getent group bob; id -u bob") == []


PER_PROCESS = "cmdline,environ,maps,mounts,mountinfo,mountstats,cgroup,status,net/*"
NAMING = f"""
    $read = 0;
    foreach (glob('{{/proc/*,/etc/*,/etc/wsh/php/*,/proc/*/{{{PER_PROCESS}}}}}', GLOB_BRACE) as $file) {{
        if (!is_file($file) || ($text = @file_get_contents($file)) === false) continue;
        $read++;
        if (stripos($text, 'b' . 'ob') !== false) echo $file, ' ';
    }}
    echo $read;
"""


def test_nothing_that_the_kernel_tells_names_bob(scene: Scene) -> None:
    *names, read = scene.php(NAMING).split()
    assert names == []
    assert int(read) > 30


def test_control_without_the_jails_root_names_and_files_are_seen(scene: Scene) -> None:
    with defences.jail_root(scene, "alice"):
        assert scene.value("posix_getpwnam('bob')['uid']") == scene.uids["bob"]
        assert "bob" in scene.value("scandir('/home')")
        assert "/etc/passwd" in scene.php(NAMING).split()
        assert f"{paths.VHOSTS}/bob-www.conf" in shell(scene, f"find {paths.VHOSTS} -name '*bob*'")
        assert not shell(scene, f"find /home -uid {scene.uids['bob']}"), "the modes of the homes do not hold"
        with defences.mode(scene, "/home/bob /home/bob/sites /home/bob/sites/www", "o+x"):
            scene.server.run(["chmod", "o+r", f"{BOB_HOME}/notes.txt"])
            assert scene.value(f"file_get_contents('{BOB_HOME}/notes.txt')") == f"{MARK} 0640"
            scene.server.run(["chmod", "o-r", f"{BOB_HOME}/notes.txt"])


# processes


def processes_of_bob(scene: Scene) -> list[int]:
    scene.world.get("https://www.bob.test/")
    return [int(pid) for pid in scene.server.run(["pgrep", "--uid", str(scene.uids["bob"])]).stdout.split()]


OWNERS = "array_values(array_unique(array_map('fileowner', glob('/proc/[0-9]*'))))"


def test_no_process_but_her_own_is_seen(scene: Scene) -> None:
    theirs = processes_of_bob(scene)
    assert theirs
    assert scene.value(OWNERS) == [scene.uids["alice"]]
    foreign = "posix_kill($pid, 0) && fileowner('/proc/' . $pid) != posix_getuid()"
    assert scene.value(f"array_filter({theirs}, fn($pid) => {foreign})") == []


def test_what_others_use_of_the_machine_is_not_told(scene: Scene) -> None:
    """The control groups have each account's processes, memory and time."""
    processes_of_bob(scene)
    assert shell(scene, f"find /sys -name '*{scene.uids['bob']}*'; find /sys/fs/cgroup -mindepth 1") == []


def test_control_without_their_own_numbers_processes_are_seen(scene: Scene) -> None:
    uid = scene.uids["bob"]
    own = ("PrivatePIDs=no", "ProtectProc=default", "ProcSubset=all", "InaccessiblePaths=")
    with defences.sandbox(scene, "alice", *own):
        assert processes_of_bob(scene)
        assert uid in scene.value(OWNERS)
        assert any(str(uid) in line for line in shell(scene, "find /sys/fs/cgroup -type d"))
