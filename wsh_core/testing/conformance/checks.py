"""The checks that every application must pass. An author subclasses `Conformance`; pytest does the rest."""

from __future__ import annotations

import json
from dataclasses import replace

from wsh_core.agent import paths

from .levels import check
from .sabotage import LAST_STEP_FAILS, PAGES_BREAK_OFF, Sabotage
from .says import Says
from .scenes import Installed, Old, full_disk
from .stage import Site, of_app, told_of

_PRODUCT = "<?php echo 6 * 7 * 1000003;"
_LOOK = """<?php
$ask = json_decode(file_get_contents('php://input'), true);
mysqli_report(MYSQLI_REPORT_OFF);
$opens = static fn (string $user, string $database): bool =>
    (bool) @mysqli_connect('localhost', $user, '', $database, 0, $ask['socket']);
$reached = [];
foreach ($ask['paths'] as $path) {
    $listed = array_diff(@scandir($path) ?: [], ['.', '..']);
    if ($listed || @file_get_contents($path) !== false || @file_put_contents("$path/kit", 'x')) {
        $reached[] = $path;
    }
}
foreach ($ask['databases'] as [$user, $database]) {
    if ($opens($user, $database)) {
        $reached[] = "database $database as $user";
    }
}
foreach (glob('/proc/[0-9]*') as $process) {
    if (@fileowner($process) !== getmyuid()) {
        $reached[] = $process;
    }
}
$own = [@file_get_contents($ask['own']) !== false, $ask['mine'] === null || $opens(...$ask['mine'])];
echo json_encode(['own' => $own, 'reached' => $reached]);
"""


class Conformance(Says):
    """An application's declaration, and the tests that follow from it."""

    def shown(self, site: Site, path: str) -> str:
        """What those see who may see it."""
        return self.read(site.browser() if self.public else self.enter(site), path)

    def is_well(self, site: Site, written: dict[str, str]) -> None:
        """The front page comes, the login works, and what was written, by path, is shown."""
        site.front()
        self.enter(site)
        for path, words in written.items():
            assert words in self.shown(site, path), f"{site.url}: {path} does not show {words!r}"
        assert not site.stage.succeeds("test", "-e", f"{paths.FENCES}/{site.account}-{site.key}"), "it is fenced"

    # bronze

    @check("bronze", "install: twice in one account, and in two")
    def test_installed(self, wsh_installed: Installed) -> None:
        """All three are there, whole, in the release that was wanted, each with a database of its own."""
        for site in wsh_installed.sites:
            assert site.version() == site.scope().context.version
            assert not site.stage.succeeds("test", "-e", f"{paths.FENCES}/{site.account}-{site.key}"), "it is fenced"
            assert site.database is None or site.fingerprint().tables, f"{site.database} has no tables"

    @check("bronze", "front page")
    def test_front_page(self, wsh_installed: Installed) -> None:
        """Over https, with a certificate that holds, what the plugin's own probe wants to see."""
        for site in wsh_installed.sites:
            site.front()

    @check("bronze", "login: the password of the server, and no other")
    def test_login(self, wsh_installed: Installed) -> None:
        """Each site has a password of its own; that of a sister does not open it."""
        for site, sister in zip(wsh_installed.sites, (*wsh_installed.sites[1:], wsh_installed.sites[0]), strict=True):
            self.enter(site)
            assert not self.login(site.browser(), sister.secret(self.password)), f"{site.url} opens to any"

    @check("bronze", "content: written, and read where it belongs")
    def test_content(self, wsh_installed: Installed) -> None:
        """What each administrator writes is shown on the own site, and on no other; to strangers if it is public."""
        written = {site: f"Words of {site.account} in {site.key}" for site in wsh_installed.sites}
        where = {site: self.write(self.enter(site), words) for site, words in written.items()}
        for site, path in where.items():
            shown = self.shown(site, path)
            assert written[site] in shown, f"{site.url}: {path} does not show {written[site]!r}"
            assert not [words for other, words in written.items() if other != site and words in shown]
            if not self.public:
                assert written[site] not in self.read(site.browser(), path), "a stranger reads it"

    @check("bronze", "options: every case")
    def test_cases(self, wsh_installed: Installed) -> None:
        """With all the options that the author names, the site is as well."""
        for number, options in enumerate(self.cases):
            site = wsh_installed.new(f"case{number}", "site", options)
            site.stage.describe(site)
            site.stage.apply(site.account)
            self.is_well(site, {})

    @check("bronze", "idempotence: the second apply changes nothing")
    def test_idempotence(self, wsh_installed: Installed) -> None:
        """Also after the site was used."""
        stage = wsh_installed.stage
        for account in wsh_installed.accounts:
            events = [event for event in stage.apply(account) if event["type"] == "resource"]
            assert [event["id"] for event in events] == [], told_of(events) if events else ""

    @check("bronze", "jobs: each runs, and its timer waits")
    def test_jobs(self, wsh_installed: Installed) -> None:
        """In the jail, as the account; what they change is no change for wsh."""
        site = wsh_installed.first
        stage, uid = site.stage, site.stage.uid(site.account)
        for job in site.scope().jobs:
            timer = f"wsh-job-{uid}-{site.key}-{job.name}.timer"
            assert stage.succeeds("systemctl", "is-active", timer), f"nothing starts the job {job.name}"
        site.run_jobs()
        assert [each for each in stage.apply(site.account) if each["type"] == "resource"] == []

    @check("bronze", "denied paths")
    def test_denied(self, wsh_installed: Installed) -> None:
        """What the author names is there and not shown; what the app's visitors bring is not executed."""
        site = wsh_installed.first
        scope, visitor = site.scope(), site.browser()
        for path in self.denied:
            assert site.stage.succeeds("test", "-e", f"{scope.docroot}{path}"), f"there is no {path} to be denied"
            status = visitor.get(path, allow_redirects=False).status_code
            assert status in (403, 404), f"{path} answered {status}"
        for place in (each for each in scope.vhost.no_php if each.endswith("/") and "*" not in each):
            path = f"{scope.vhost.docroot}/{place}kit.php".lstrip("/")
            site.stage.put(site, path, _PRODUCT)
            said = visitor.get(f"/{place}kit.php").text
            site.stage.root("rm", f"{site.tree}/{path}")
            assert "42000126" not in said, f"PHP is executed in {place}"
            assert "1000003" not in said, f"the source of PHP is shown in {place}"

    @check("bronze", "secrets: in no answer, and closed to the web server")
    def test_secrets(self, wsh_installed: Installed) -> None:
        """No configuration file gives a secret away, neither by https nor to www-data."""
        site = wsh_installed.first
        scope, stage = site.scope(), site.stage
        names = stage.root("ls", f"{paths.SECRETS}/{site.account}/{site.key}").split()
        values = [site.secret(name) for name in names]
        reader = ("setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "cat")
        for file in scope.config:
            path = f"{site.tree}/{file.path}"
            if any(value in stage.root("cat", path) for value in values):
                assert not stage.succeeds(*reader, path), f"www-data can read {file.path}"
            inside = path.removeprefix(f"{scope.docroot}/")
            answer = site.browser().get(f"/{inside.lstrip('/')}").text
            assert not [name for name, value in zip(names, values, strict=True) if value in answer]

    @check("bronze", "place: nothing written outside the site")
    def test_place(self, wsh_installed: Installed) -> None:
        """What belongs to the account lies in its sites, but for the sessions that PHP keeps."""
        assert wsh_installed.strays() == []

    @check("bronze", "neighbour: untouched by the installation next door")
    def test_neighbour(self, wsh_installed: Installed) -> None:
        """Files and tables of the other account are those from before."""
        assert wsh_installed.neighbour_changes(self.volatile) == []

    @check("bronze", "isolation: nothing of the neighbour can be reached")
    def test_isolation(self, wsh_installed: Installed) -> None:
        """PHP of the account, in the same runtime as the application, sees its own and nothing else."""
        site, look, other = wsh_installed.first, wsh_installed.look, wsh_installed.other
        stage = site.stage
        config = [f"{other.tree}/{file.path}" for file in other.scope().config]
        places = [other.tree, other.place, f"/home/{other.account}", *config]
        places += [paths.SECRETS, f"{paths.SECRETS}/{other.account}", paths.logs(other.account), paths.LEDGER]
        databases = [(name, other.database) for name in (site.account, other.account, "root") if other.database]
        stage.put(look, "kit.php", _LOOK)
        ask = {
            "paths": [*places, *_NOT_IN_A_JAIL],
            "databases": databases,
            "socket": paths.MARIADB_SOCKET,
            "own": f"{site.tree}/{site.loaded.app.version.path}",  # type: ignore[union-attr]
            "mine": [site.account, site.database] if site.database else None,
        }
        answer = look.browser().post("/kit.php", json=ask)
        found = json.loads(answer.text)
        assert found == {"own": [True, True], "reached": []}
        outside = ["setpriv", f"--reuid={site.account}", f"--regid={site.account}", "--init-groups", "test", "-r"]
        assert [place for place in places if stage.succeeds(*outside, place)] == []

    # silver

    @check("silver", "budget: time and memory of an installation")
    def test_budget(self, wsh_installed: Installed) -> None:
        """Two installations one after the other, in the account's package."""
        from wsh_core.models.quantities import Size

        seconds, peak = wsh_installed.seconds / 2, wsh_installed.peak
        assert seconds <= self.seconds, f"an installation took {seconds:.0f} s"
        assert 0 < peak <= int(Size(self.memory)), f"the account's processes had {peak >> 20} MiB at once"

    @check("silver", "disk full: nothing half done, and the next apply does it")
    def test_full_disk(self, wsh_installed: Installed) -> None:
        """The file system of the homes has no room for accounts while a third account gets the application."""
        stage = wsh_installed.stage
        site = wsh_installed.new("full", "site", self.options)
        stage.describe(replace(site, app="php", yaml="", release=None))
        stage.apply(site.account)
        stage.describe(site)
        with full_disk(stage):
            events = stage.apply(site.account, check=False)
            failed = [each for each in events if each["type"] == "resource" and each["outcome"] == "failed"]
            assert failed, told_of(events)
            assert all(each["error"]["message"] for each in failed)
        assert stage.root("ls", "-A", site.tree) == "", "something of a failed installation is left"
        assert site.fingerprint().tables == {}
        stage.apply(site.account)
        self.is_well(site, {})

    @check("silver", "failed upgrade: a migration that ends with an error")
    def test_failed_migration(self, wsh_old: Old) -> None:
        """The migration of the newer release is done, and then fails: code, data and database are as before."""
        self._is_put_back(wsh_old, LAST_STEP_FAILS)

    @check("silver", "failed upgrade: a release whose pages do not come")
    def test_ill_release(self, wsh_old: Old) -> None:
        """The front controllers of the newer release break off: code, data and database are as before."""
        self._is_put_back(wsh_old, PAGES_BREAK_OFF)

    @check("silver", "upgrade: content written before is read after")
    def test_upgrade(self, wsh_old: Old) -> None:
        """By the plugin's own migration; afterwards it is a site like one that was installed so."""
        stage, site = wsh_old.stage, wsh_old.upgraded()
        stage.describe(site)
        stage.apply(site.account, told={f"site:{site.account}/{site.key}": "upgrade"})
        assert site.version() == site.release
        self.is_well(site, wsh_old.written)
        path = self.write(self.enter(site), "Words of the newer release")
        self.is_well(site, {**wsh_old.written, path: "Words of the newer release"})
        assert [each for each in stage.apply(site.account) if each["type"] == "resource"] == []

    def _is_put_back(self, old: Old, harm: Sabotage) -> None:
        """Try to upgrade to a release that is made to fail; see that all is as before, and stays so."""
        stage, site, newer = old.stage, old.site, old.upgraded()
        before = site.fingerprint()
        stage.describe(newer)
        told = {f"site:{site.account}/{site.key}": "upgrade"}
        event = of_app(stage.apply(site.account, change=harm.of(newer), told=told, check=False), site)
        assert event is not None
        error = event.get("error") or {}
        assert (event["outcome"], error.get("code")) == ("failed", harm.code), event
        assert error["hint"]
        assert before.differences(site.fingerprint(), self.volatile) == []
        assert site.version() == site.release
        self.is_well(site, old.written)
        again = of_app(stage.apply(site.account, check=False), site)
        assert again is not None
        assert (again["outcome"], again["error"]["code"]) == ("refused", "app.upgrade-failed")
        stage.describe(site)
        stage.apply(site.account)
        self.is_well(site, old.written)


_NOT_IN_A_JAIL = ("/etc/shadow", paths.CA, "/var/lib/mysql", "/var/lib/php")

CHECKS = tuple(test.check for test in vars(Conformance).values() if hasattr(test, "check"))
"""All of them, in order."""
