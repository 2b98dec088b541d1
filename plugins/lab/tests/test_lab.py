"""Real servers: what they are and what they can do."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import time

import pytest
from wsh_lab import CommandError, LabError

pytestmark = pytest.mark.needs_machine

EXCHANGE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for base in sys.argv[1:]:
    os.makedirs(f"{base}/x/a/inner"); os.makedirs(f"{base}/x/b")
    if libc.renameat2(-100, f"{base}/x/a".encode(), -100, f"{base}/x/b".encode(), 2):
        sys.exit(f"{base}: {os.strerror(ctypes.get_errno())}")
    assert os.path.isdir(f"{base}/x/b/inner")
"""


def test_the_command_boots_lists_runs_and_removes(name, command):
    begin = time.monotonic()
    up = command("up", name, "--json")
    seconds = time.monotonic() - begin
    assert up.returncode == 0, up.stderr
    facts = json.loads(up.stdout)
    assert facts["condition"] == "running"
    assert f"boot {name}" in up.stderr
    assert seconds < 15

    listed = {one["name"]: one for one in json.loads(command("list", "--json").stdout)["servers"]}
    assert listed[name] == facts
    assert command("shell", name, "--", "sh", "-c", "hostname; exit 7").stdout == f"{name}\n"
    assert command("shell", name, "--", "sh", "-c", "exit 7").returncode == 7

    again = command("up", name)
    assert again.returncode == 1
    assert "error[lab.running]" in again.stderr
    assert command("down", name).returncode == 0
    gone = command("down", name)
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr.startswith(f"error[lab.unknown]: there is no server {name}\nhelp: ")


def test_bad_words_are_answered_in_words(command):
    for argv in (["up", "No/Name"], ["down"], ["down", "x", "--all"], ["down", "x", "--images"]):
        result = command(*argv)
        assert result.returncode == 2, argv
        assert "Traceback" not in result.stderr


def test_run_passes_bytes_codes_and_environment(server):
    data = os.urandom(3_000_000)
    assert server.run_bytes(["cat"], input=data).stdout == data
    assert server.run(["sh", "-c", "exit 9"], check=False).returncode == 9
    assert server.run(["env"], env={"X": "1"}).stdout.splitlines().count("X=1") == 1
    assert "VIRTUAL_ENV" not in server.run(["env"], env={}).stdout
    assert server.run(["pwd"]).stdout == "/\n"
    with pytest.raises(CommandError, match="No such file") as caught:
        server.run(["ls", "/nowhere"])
    assert caught.value.result.returncode == 2


def test_a_command_that_takes_too_long_is_killed_inside(server):
    with pytest.raises(LabError, match=r"more than 0\.5 s") as caught:
        server.run(["sh", "-c", "sleep 4242 & sleep 4242"], timeout=0.5)
    assert caught.value.code == "lab.timeout"
    assert server.run(["pgrep", "-f", "sleep 4242"], check=False).stdout == ""


def test_what_is_run_belongs_to_the_server(server):
    unified = server.run(["sh", "-c", "grep ^0:: /proc/self/cgroup"]).stdout
    assert unified == "0::/init.scope\n"
    assert server.run(["cat", "/proc/1/comm"]).stdout == "systemd\n"


def test_ssh_by_the_real_client_knows_the_host(server, tmp_path):
    assert server.ssh(["printf", "%s", "a b;c"]).stdout == "a b;c"
    assert server.ssh(["cat"], input="in").stdout == "in"
    (tmp_path / "known").write_text("")
    with pytest.raises(CommandError, match="Host key verification failed"):
        server.ssh(["true"], options=["-o", f"UserKnownHostsFile={tmp_path}/known"])


def test_files_go_in_and_out_with_their_modes(server, tmp_path):
    server.write("/srv/deep/file", b"\0\xff", mode=0o640)
    assert server.read("/srv/deep/file") == b"\0\xff"
    assert server.run(["stat", "-c", "%a %U", "/srv/deep/file"]).stdout == "640 root\n"
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub/run.sh").write_text("#!/bin/sh\necho ran\n")
    (tree / "sub/run.sh").chmod(0o755)
    server.push(tree, "/opt/there/copy")
    assert server.run(["/opt/there/copy/sub/run.sh"]).stdout == "ran\n"
    server.pull("/opt/there/copy", tmp_path / "back")
    assert (tmp_path / "back/sub/run.sh").read_text() == (tree / "sub/run.sh").read_text()
    server.pull("/etc/hostname", tmp_path / "hostname")
    assert (tmp_path / "hostname").read_text() == f"{server.name}\n"
    with pytest.raises(CommandError, match="No such file"):
        server.pull("/nowhere", tmp_path / "none")


def test_the_server_is_healthy_and_reaches_the_mirror(server):
    assert server.failed_units() == []
    update = server.run(["apt-get", "update"], timeout=120)
    assert "Err:" not in update.stdout
    assert "W:" not in update.stderr


def test_home_and_databases_lie_on_file_systems_of_their_own(server):
    server.write("/root/exchange.py", EXCHANGE)
    server.run(["python3", "/root/exchange.py", "/home", "/var/lib/mysql"])
    for place in ("/home", "/var/lib/mysql"):
        assert server.run(["stat", "-f", "-c", "%T", place]).stdout == "ext2/ext3\n"
        # system.posix_acl_access (acl(5)): version 2, then tag, permissions and id of each entry
        script = (
            "import os, struct, sys; e = lambda t, p, i=-1: struct.pack('<HHi', t, p, i); "
            "os.setxattr(sys.argv[1], 'system.posix_acl_access', struct.pack('<I', 2)"
            " + e(1, 7) + e(2, 5, 33) + e(4, 5) + e(16, 5) + e(32, 0))"
        )
        server.run(["python3", "-c", script, f"{place}/x"])
        assert (
            "system.posix_acl_access"
            in server.run(["python3", "-c", f"import os; print(os.listxattr('{place}/x'))"]).stdout
        )
        assert "lost+found" not in server.run(["ls", "-A", place]).stdout


def test_services_can_be_jailed_as_on_a_real_server(server):
    server.run(["mkdir", "-p", "/srv/jail/usr", "/srv/jail/proc", "/srv/jail/data"])
    server.run(["sh", "-c", "cd /srv/jail && ln -sfn usr/bin bin && ln -sfn usr/lib lib && ln -sfn usr/lib64 lib64"])
    properties = [
        "RootDirectory=/srv/jail", "BindReadOnlyPaths=/usr", "BindPaths=/home:/data", "MountAPIVFS=yes",
        "PrivatePIDs=yes", "PrivateNetwork=yes", "PrivateDevices=yes", "ProtectSystem=strict",
        "ProtectProc=invisible", "ProtectKernelTunables=yes", "NoNewPrivileges=yes", "RestrictNamespaces=yes",
        "SystemCallFilter=@system-service", "MemoryDenyWriteExecute=yes", "KeyringMode=private",
        "DynamicUser=yes",
    ]  # fmt: skip
    argv = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--expand-environment=no"]
    argv += [word for one in properties for word in ("--property", one)]
    script = "echo $$; ls /; ls /dev | grep -c null; unshare -Ur true && echo escaped; true"
    out = server.run([*argv, "/bin/sh", "-c", script]).stdout.split()
    assert out[0] == "1"
    assert "home" not in out
    assert "data" in out
    assert "escaped" not in out


def test_namespaces_devices_and_mount_options(server):
    server.write("/etc/tmpfiles.d/lab-test.conf", "d /run/t 0755\nc /run/t/null 0666 root root - 1:3\n")
    server.run(["systemd-tmpfiles", "--create", "/etc/tmpfiles.d/lab-test.conf"])
    view = "mount --bind /run/t /mnt && mount -o remount,bind,dev /mnt && echo x >/mnt/null"
    server.run(["unshare", "-m", "sh", "-c", view])
    server.run(["unshare", "-n", "-m", "sh", "-c", "ip link set lo up && ip -br address show lo | grep 127.0.0.1"])
    server.run(["sysctl", "-w", "net.ipv4.ip_local_port_range=32768 60999"])
    server.write(
        "/etc/systemd/system/srv-view.mount",
        "[Mount]\nWhat=/home\nWhere=/srv/view\nType=none\nOptions=bind,ro,nosuid,nodev,nosymfollow\n",
    )
    server.run(["systemctl", "daemon-reload"])
    server.run(["systemctl", "start", "srv-view.mount"])
    server.run(["ln", "-sf", "/etc/hostname", "/home/link"])
    assert "nosymfollow" in server.run(["grep", "/srv/view", "/proc/self/mountinfo"]).stdout
    assert "Too many levels" in server.run(["cat", "/srv/view/link"], check=False).stderr


def test_servers_reach_each_other_and_this_machine_and_do_not_share_units(lab, server, name):
    other = lab.up(name)
    assert other.address != server.address
    server.run(["systemd-run", "--unit=web", "python3", "-m", "http.server", "--directory=/srv", "8000"])
    server.write("/srv/hello", "from the first")
    other.run(["systemd-run", "--unit=web", "sleep", "1000"])
    fetched = other.run(["curl", "-s", "--retry", "5", "--retry-connrefused", f"http://{server.address}:8000/hello"])
    assert fetched.stdout == "from the first"
    assert (
        subprocess.run(
            ["curl", "-s", f"http://{server.address}:8000/hello"], capture_output=True, text=True, check=True
        ).stdout
        == "from the first"
    )
    begin = time.monotonic()
    other.run(["systemctl", "stop", "web"])
    assert time.monotonic() - begin < 5, "units of two servers in one group"
    assert server.listening(8000)
    server.run(["systemctl", "stop", "web"])
    knock = "import socket, sys; s = socket.socket(); s.settimeout(3); print(s.connect_ex((sys.argv[1], 9)))"
    refused = other.run(["python3", "-c", knock, lab._network.gateway])
    assert refused.stdout == f"{errno.ECONNREFUSED}\n", "refused by this machine, so it was reached"
