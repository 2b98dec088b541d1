"""Changes behind wsh's back: `plan` names each, `apply` mends it; and what wsh does without its memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from wsh_lab import Server

from .blog import Blog
from .look import differences, state
from .world import Event, World, changes, troubles

pytestmark = pytest.mark.needs_machine("root", "namespaces")


class Drift(NamedTuple):
    """Something that is done on the server, the resource that is not as wanted then, and in which field."""

    command: str
    id: str
    field: str


HOME, SITE, JAIL = "/home/alice", "/home/alice/sites/tool", "/var/lib/wsh/jail/$uid"
BLOG, CONFIG, PLUGIN = "/home/alice/sites/blog/app", "wsh-config.php", "wp-content/mu-plugins/wsh.php"
VHOST, TLS = "/etc/apache2/wsh/sites/alice-tool.conf", "/var/lib/wsh/tls/alice-tool"
RUNTIME, UNIT = "wsh-php84-$uid", "/etc/systemd/system/wsh-php84-$uid"
WANTS, LIMITS = "/etc/systemd/system/wsh.target.wants", "/etc/systemd/system.control/wsh-$uid.slice.d"
IDS = {
    "user": "user:alice", "login": "database-user:alice", "database": "database:alice_tool",
    "vhost": "vhost:alice-tool", "certificate": "certificate:alice-tool", "app": "app:alice/blog",
    "jail": "jail:/var/lib/wsh/jail/alice", "slice": "slice:wsh-alice.slice",
    "socket": "unit:wsh-php84-alice.socket", "service": "unit:wsh-php84-alice.service",
    "secret": "secret:alice/blog/admin",
}  # fmt: skip


def directory(command: str, path: str, field: str) -> Drift:
    return Drift(f"{command} {path}", f"directory:{path}", field)


def sql(statement: str, which: str, field: str) -> Drift:
    return on(which, f"mariadb -e '{statement}'", field)


def on(which: str, command: str, field: str) -> Drift:
    return Drift(command, IDS[which], field)


DRIFTS = {
    "mode of the home": directory("chmod 0755", HOME, "mode"),
    "mode of a site's tree": directory("chmod 0777", f"{SITE}/app", "mode"),
    "mode of the logs": directory("chmod 0755", "/var/log/wsh/alice", "mode"),
    "sticky bit of the jail's home": directory("chmod -t", f"{HOME}/home", "mode"),
    "owner of a mount point": directory("chown alice", f"{HOME}/home/logs", "owner"),
    "owner of a site": directory("chown bob", SITE, "owner"),
    "group of a site": directory("chgrp bob", f"{HOME}/sites/blog", "group"),
    "directory removed": directory("rmdir", f"{HOME}/home/backups", "type"),
    "access list emptied": directory("setfacl -b", f"{HOME}/sites", "acl"),
    "entry for a neighbour": directory("setfacl -m u:bob:rwx", f"{HOME}/sites", "acl"),
    "entry for a neighbour's files": directory("setfacl -d -m u:bob:r-x", SITE, "default_acl"),
    "inherited list emptied": directory("setfacl -k", f"{SITE}/app", "default_acl"),
    "shell": on("user", "usermod --shell /bin/bash alice", "shell"),
    "one group more": on("user", "gpasswd -a alice adm", "groups"),
    "one group less": on("user", "gpasswd -d alice wsh", "groups"),
    "grant on the neighbour's": sql("GRANT SELECT ON bob_tool.* TO alice@localhost", "login", "other_rights"),
    "grant on everything": sql("GRANT PROCESS ON *.* TO alice@localhost", "login", "other_rights"),
    "right revoked": sql(r"REVOKE INSERT ON `alice\_blog`.* FROM alice@localhost", "login", "databases"),
    "password instead of the socket": sql('ALTER USER alice@localhost IDENTIFIED BY "x"', "login", "auth"),
    "login from elsewhere": sql('CREATE USER alice@"%" IDENTIFIED BY "x"', "login", "other_rights"),
    "login locked": sql("ALTER USER alice@localhost ACCOUNT LOCK", "login", "locked"),
    "login dropped": sql("DROP USER alice@localhost", "login", "auth"),
    "character set": sql("ALTER DATABASE alice_tool CHARACTER SET latin1", "database", "charset"),
    "virtual host edited": on("vhost", f"sed -i /WSH_UID/d {VHOST}", "content"),
    "virtual host removed": on("vhost", f"rm {VHOST}", "content"),
    "virtual host that others may write": on("vhost", f"chmod 0666 {VHOST}", "file"),
    "certificate removed": on("certificate", f"rm {TLS}/cert.pem", "files"),
    "key that others may read": on("certificate", f"chmod 644 {TLS}/key.pem", "files"),
    "socket stopped": on("socket", f"systemctl stop {RUNTIME}.socket", "state"),
    "socket not wanted at boot": on("socket", f"rm {WANTS}/{RUNTIME}.socket", "wanted_by"),
    "socket unit edited": on("socket", f"sed -i s/0666/0600/ {UNIT}.socket", "content"),
    "service unit without its jail": on(
        "service", f"sed -i /RootDirectory/d {UNIT}.service && systemctl daemon-reload", "content"
    ),
    "service unit removed": on("service", f"rm {UNIT}.service", "content"),
    "service unit that others may write": on("service", f"chmod 0666 {UNIT}.service", "file"),
    "limit raised": on("slice", "systemctl set-property wsh-$uid.slice TasksMax=5000", "TasksMax"),
    "limit removed": on("slice", f"rm {LIMITS}/50-MemoryMax.conf", "MemoryMax"),
    "file of the skeleton edited": on("jail", f"echo eve:x:0:0:::/bin/sh >> {JAIL}/etc/passwd", "files"),
    "file of the skeleton that others may write": on("jail", f"chmod 0666 {JAIL}/etc/hosts", "files"),
    "directory of the skeleton given away": on("jail", f"chown alice {JAIL}/etc", "directories"),
    "skeleton given away": on("jail", f"chown alice {JAIL}", "directories"),
    "link of the skeleton turned": on("jail", f"ln -sfn tmp {JAIL}/bin", "links"),
    "mode of the configuration": on("app", f"chmod 0644 {BLOG}/{CONFIG}", f"config {CONFIG}"),
    "configuration edited": on("app", f"sed -i s/alice_blog/bob_tool/ {BLOG}/{CONFIG}", f"config {CONFIG}"),
    "configuration removed": on("app", f"rm {BLOG}/{PLUGIN}", f"config {PLUGIN}"),
    "secret that others may read": on("secret", "chmod 0644 /etc/wsh/secrets/alice/blog/admin", "file"),
}  # fmt: skip


@dataclass
class Round:
    """Several changes at once, each of another resource, and what plan and apply said of them."""

    names: list[str] = field(default_factory=list)
    planned: Sequence[Event] = ()
    applied: Sequence[Event] = ()
    planned_again: Sequence[Event] = ()
    differs: list[str] = field(default_factory=list)

    def ids(self) -> set[str]:
        return {DRIFTS[name].id for name in self.names}


def rounds() -> list[Round]:
    """As few rounds as possible: a resource is changed once in each."""
    found: list[Round] = []
    for name, drift in DRIFTS.items():
        fitting = next((each for each in found if drift.id not in each.ids()), None)
        if fitting is None:
            found.append(fitting := Round())
        fitting.names.append(name)
    return found


@pytest.fixture(scope="module")
def world(wsh_server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(wsh_server, tmp_path_factory.mktemp("description"))
    world.account("alice", {
        "blog": Blog(world, "alice").yaml(), "tool": "domains: [tool.alice.example.org], app: php",
        "old": "domains: [old.alice.example.org], app: static",
    })  # fmt: skip
    world.account("bob", {"tool": "domains: [tool.bob.example.org], app: php"})
    world.apply()
    world.put("alice", "tool/app/index.php", "<?php echo 6 * 7;")
    return world


@pytest.fixture(scope="module")
def drifted(world: World) -> Mapping[str, Round]:
    """All rounds, done; by the names of what was changed."""
    found: dict[str, Round] = {}
    uid = {"uid": str(world.uid("alice"))}
    for each in rounds():
        right = state(world)
        for name in each.names:
            world.server.run(["sh", "-ec", DRIFTS[name].command], env=uid)
        each.planned, each.applied = world.plan(), world.apply(check=False)
        each.planned_again = world.plan()
        each.differs = differences(state(world), right)
        found |= dict.fromkeys(each.names, each)
    return found


def about(events: Sequence[Event], id_: str) -> Event | None:
    return next((event for event in events if event.get("id") == id_), None)


@pytest.mark.parametrize("name", DRIFTS)
def test_it_is_seen_by_plan_and_mended_by_apply(drifted: Mapping[str, Round], name: str) -> None:
    drift, done = DRIFTS[name], drifted[name]
    planned = about(done.planned, drift.id)
    assert planned is not None, changes(done.planned)
    assert (planned["outcome"], planned["drift"]) == ("planned", True)
    assert drift.field in {change["field"] for change in planned["changes"]}
    applied = about(done.applied, drift.id)
    assert applied is not None
    assert (applied["outcome"], applied["drift"]) == ("changed", True), troubles(done.applied)
    assert about(done.planned_again, drift.id) is None


def test_nothing_else_was_named_and_all_is_as_before(drifted: Mapping[str, Round], world: World) -> None:
    for done in drifted.values():
        assert set(changes(done.planned)) == set(changes(done.applied)) == done.ids()
        assert changes(done.planned_again) == {}
        assert not done.differs, done.differs
    assert world.get("https://tool.alice.example.org/").body == "42"
    Blog(world, "alice").is_well()


# without the ledger


@pytest.fixture
def forgotten(drifted: Mapping[str, Round], world: World) -> list[str]:
    """A server that is as wanted, and whose ledger is lost; its state before."""
    assert drifted
    found = state(world)
    world.server.run(["sh", "-c", "rm /var/lib/wsh/ledger.db*"])
    return found


@pytest.mark.usefixtures("forgotten")
def test_what_is_as_wanted_is_owned_again(world: World, forgotten: list[str]) -> None:
    assert changes(world.plan()) == {}
    events = world.apply()
    assert (changes(events), events[-1]["counts"]["changed"]) == ({}, 0)
    assert differences(state(world), forgotten, "ledger") == []
    world.server.run(["chmod", "0777", "/home/alice/sites/tool"])
    assert changes(world.apply()) == {"directory:/home/alice/sites/tool": "changed"}


@pytest.mark.usefixtures("forgotten")
def test_what_differs_is_not_taken_for_wshs(world: World) -> None:
    """Who made it cannot be known any more, so it is named and left alone; the other account goes on."""
    edit = "echo '# by hand' >> /etc/apache2/wsh/sites/alice-tool.conf; chmod 0777 /home/bob/sites/tool"
    world.server.run(["sh", "-c", f"{edit}; rm -f /etc/apache2/wsh/sites/alice-old.conf"])
    try:
        events = world.apply(check=False)
        assert changes(events)["vhost:alice-tool"] == "conflict"
        assert changes(events)["directory:/home/bob/sites/tool"] == "conflict"
        conflict = about(events, "vhost:alice-tool")
        assert conflict
        assert conflict["error"]["code"] == "server.conflict"
        assert conflict["error"]["hint"]
        assert world.server.read("/etc/apache2/wsh/sites/alice-tool.conf").endswith(b"# by hand\n")
    finally:
        undo = "sed -i '/# by hand/d' /etc/apache2/wsh/sites/alice-tool.conf; chmod 0750 /home/bob/sites/tool"
        world.server.run(["sh", "-c", undo])
    world.apply()
    assert changes(world.plan()) == {}


@pytest.mark.usefixtures("forgotten")
def test_no_number_is_given_twice(world: World) -> None:
    """The ledger knows nothing of a user that is gone; the floor in its own file still does."""
    floor = int(world.server.read("/etc/wsh/uid-floor"))
    world.account("carol", {"www": "domains: [www.carol.example.org], app: static"})
    world.apply()
    assert world.uid("carol") == floor
    world.server.run(["sh", "-c", "rm /var/lib/wsh/ledger.db*; userdel carol; rm -r /home/carol"])
    world.file("carol").unlink()
    world.account("dave", {"www": "domains: [www.dave.example.org], app: static"})
    world.apply()
    assert world.uid("dave") == floor + 1


# what left the description


def test_what_left_the_description_is_planned_and_refused(drifted: Mapping[str, Round], world: World) -> None:
    assert drifted
    world.apply()
    whole = world.file("alice").read_text()
    world.account("alice", {
        "blog": Blog(world, "alice").yaml(), "tool": "domains: [tool.alice.example.org], app: php",
    })  # fmt: skip
    world.file("bob").unlink()
    right = state(world)
    for events in (world.plan(), world.apply(check=False)):
        gone = [e for e in events if e.get("action") == "remove"]
        assert {e["outcome"] for e in gone} == {"refused"}
        assert {e["object"] for e in gone} == {"site:alice/old", "account:bob", "site:bob/tool"}
        assert {"vhost:alice-old", "user:bob", "database:bob_tool"} <= {e["id"] for e in gone}
        assert {e["error"]["code"] for e in gone} == {"account.removal"}
        assert all(e["error"]["hint"] for e in gone)
    differ = differences(state(world), right, "/etc/hosts")
    assert not differ, differ
    for domain in ("old.alice.example.org", "tool.bob.example.org"):
        assert world.get(f"https://{domain}/").status != 421
    world.file("alice").write_text(whole)
    world.account("bob", {"tool": "domains: [tool.bob.example.org], app: php"})
    world.apply()
    assert changes(world.plan()) == {}
