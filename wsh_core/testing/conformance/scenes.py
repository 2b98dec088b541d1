"""What the checks of one application have in common: its sites, made once, and what was seen while they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from wsh_core.agent import paths

from .stage import Site, Stage

_PEAK = """
import os, sys, time
uid, place = int(sys.argv[1]), sys.argv[2]
peak = 0
while os.path.exists(f"{place}/run"):
    own = shared = 0
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}").st_uid != uid:
                continue
            with open(f"/proc/{pid}/status") as file:
                lines = dict(line.split(":", 1) for line in file)
        except OSError:
            continue
        own += int(lines.get("RssAnon", "0 kB").split()[0])
        shared = max(shared, int(lines.get("RssShmem", "0 kB").split()[0]))
    peak = max(peak, own + shared)
    time.sleep(0.05)
with open(f"{place}/peak.new", "w") as file:
    file.write(str(peak << 10))
os.rename(f"{place}/peak.new", f"{place}/peak")
"""


class Installed:
    """The same application twice in one account, beside a plain PHP site, and once in another, which was first."""

    def __init__(self, stage: Stage) -> None:
        self.stage, says = stage, stage.says
        one, two = stage.account("one"), stage.account("two")
        self.first, self.second = (
            Site(stage, one, key, says.app, says.options, says.release) for key in ("first", "second")
        )
        self.other = Site(stage, two, "other", says.app, says.options, says.release)
        self.look = Site(stage, one, "look", "php")
        stage.describe(self.other)
        stage.apply(two)
        self.other.run_jobs()  # what a first run changes is not for the comparison
        stage.describe(self.look)
        stage.apply(one)
        self._before = set(self._owned())
        self._neighbour = self.other.fingerprint()
        stage.describe(self.look, self.first, self.second)
        with watched_memory(stage, one) as watched:
            self.seconds = float(stage.apply(one)[-1]["seconds"])
        self.peak = watched.peak
        """Bytes that all processes of the account had at once."""
        self._neighbour_after = self.other.fingerprint()

    @property
    def sites(self) -> tuple[Site, Site, Site]:
        """All that have the application."""
        return self.first, self.second, self.other

    @property
    def accounts(self) -> tuple[str, str]:
        """Whose they are."""
        return self.first.account, self.other.account

    def new(self, role: str, key: str, options: str) -> Site:
        """A site of an account that is not there yet."""
        return Site(self.stage, self.stage.account(role), key, self.stage.says.app, options, self.stage.says.release)

    def strays(self) -> list[str]:
        """What belongs to the first account, is not in its sites, and was not there before the application."""
        sessions = f"/home/{self.first.account}/home/.sessions/"
        return sorted(path for path in set(self._owned()) - self._before if not path.startswith(sessions))

    def neighbour_changes(self, volatile: tuple[str, ...]) -> list[str]:
        """What the installation next door changed."""
        return self._neighbour.differences(self._neighbour_after, volatile)

    def _owned(self) -> list[str]:
        """Everything on the server that is the first account's and lies outside its sites."""
        account, uid = self.first.account, self.stage.uid(self.first.account)
        left_out = ("/proc", "/sys", f"/home/{account}/sites", f"/run/wsh/web/{account}")
        prune = [word for path in left_out for word in ("-path", path, "-o")][:-1]
        argv = ["find", "/", "(", *prune, ")", "-prune", "-o", "-uid", str(uid), "-print"]
        return self.stage.machine.run(argv, check=False).stdout.splitlines()


@dataclass
class Old:
    """A site of the older release, with content, and what that was, by path."""

    stage: Stage
    site: Site
    newer: str
    written: dict[str, str] = field(default_factory=dict)

    def upgraded(self) -> Site:
        """The same site, described with the newer release."""
        return replace(self.site, release=self.newer)


@dataclass
class Watched:
    """What was seen; complete when the watching has ended."""

    peak: int = 0


@contextmanager
def watched_memory(stage: Stage, account: str) -> Iterator[Watched]:
    """Look at the account's processes twenty times a second: their own memory, and once what they share."""
    place, uid, watched = f"/run/{stage.token}", stage.uid(account), Watched()
    stage.root("sh", "-c", 'mkdir -p "$1" && rm -f "$1"/peak && touch "$1"/run', "sh", place)
    unit = f"--unit={stage.token}-memory"
    stage.root("systemd-run", "--quiet", "--collect", unit, "python3", "-I", "-c", _PEAK, str(uid), place)
    try:
        yield watched
    finally:
        wait = 'rm "$1"/run; for i in $(seq 100); do [ -e "$1"/peak ] && exec cat "$1"/peak; sleep 0.1; done; exit 1'
        watched.peak = int(stage.root("sh", "-c", wait, "sh", place))


@contextmanager
def full_disk(stage: Stage) -> Iterator[None]:
    """Leave accounts no room on the file system of the homes; it fills a server, which is why that is disposable."""
    place = f"{paths.HOMES}/.{stage.token}"
    stage.root("install", "-d", "-o", "nobody", "-m", "700", place)
    fill = (
        'free=$(stat -f -c "%a * %S" "$1"); fallocate -l $(($free - (1 << 20))) "$1/filler" || exit 1; '
        'dd if=/dev/zero of="$1/rest" bs=4k status=none; ! echo x >"$1/last"'
    )
    try:
        stage.root("setpriv", "--reuid=nobody", "--clear-groups", "sh", "-c", fill, "sh", place)
        yield
    finally:
        stage.root("rm", "-rf", place)
