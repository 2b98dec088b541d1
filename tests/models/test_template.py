"""What `wsh init` writes is a description without errors, and never in the place of another."""

from __future__ import annotations

import re

import pytest

from wsh_core.errors import ConfigError
from wsh_core.models.load import load_description
from wsh_core.models.template import template, write_template
from wsh_core.models.types import Refused


@pytest.mark.parametrize("address", ["web1.example.org", "localhost", "192.0.2.1", "2001:db8::1", "desk"])
@pytest.mark.parametrize("plugins", [[], ["wordpress"], ["matomo", "wordpress"]])
def test_a_first_description_passes_the_check(tmp_path, address, plugins):
    made = write_template(tmp_path / "new", "web1", address, plugins)
    description = load_description(tmp_path / "new", app_names=plugins, strict=True)
    assert description.problems == ()
    assert description.organisation.plugins == tuple(plugins)
    assert description.servers["web1"].address == address
    assert [site.id for site in description.servers["web1"].accounts["alice"].sites.values()] == ["alice/www"]
    assert sorted(path.relative_to(tmp_path).as_posix() for path in made) == [
        "new/servers/web1/accounts/alice.yaml",
        "new/servers/web1/server.yaml",
        "new/wsh.yaml",
    ]


def test_it_passes_with_its_commented_parts_too():
    for text in template("web1", "web1.example.org", ["wordpress"]).values():
        assert re.search(r"^# [A-Z]", text, re.MULTILINE), "it explains itself"
        assert all(len(line) <= 120 for line in text.splitlines())


def test_the_parts_in_comments_are_right_too(tmp_path):
    for file, text in template("web1", "web1.example.org", ["wordpress"]).items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(re.sub(r"^# ?((?: {2,})?(?:[a-z]+: ?[\[{a-z\n]|[a-z]+:$))", r"\1", text, flags=re.MULTILINE))
    account = tmp_path / "servers/web1/accounts/alice.yaml"
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3aRKy5k+TdH2TCpzTuTbojLdlAGA0FU1UuHZlf+U6q alice@laptop"
    account.write_text(account.read_text().replace("ssh-ed25519 AAAA… alice@laptop", key))
    description = load_description(tmp_path, app_names=["wordpress"], strict=True)
    assert description.organisation.mail.sender == "support@example.org"
    assert description.servers["web1"].hold is True
    alice = description.servers["web1"].accounts["alice"]
    assert alice.ssh.keys == (key,)
    assert list(alice.sites) == ["www", "blog"]


def test_every_description_has_an_id_of_its_own():
    ids = {template("web1", "localhost")["wsh.yaml"] for _ in range(3)}
    assert len(ids) == 3


def test_a_description_that_is_there_is_left_alone(tmp_path):
    path = tmp_path / "servers/web1/accounts/alice.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(ConfigError) as caught:
        write_template(tmp_path, "web1", "localhost", [])
    (problem,) = caught.value.problems
    assert problem.code == "config.exists"
    assert [place.file for place in problem.where] == ["servers/web1/accounts/alice.yaml"]
    assert path.read_text() == "mine"
    assert not (tmp_path / "wsh.yaml").exists()


def test_a_place_that_cannot_be_written_is_named_and_left_as_it_was(tmp_path):
    (tmp_path / "servers").write_text("a file")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_template(tmp_path, "web1", "localhost", [])
    assert [path.name for path in tmp_path.iterdir()] == ["servers"]


@pytest.mark.parametrize(
    ("name", "address", "plugins"),
    [("Web", "localhost", []), ("web1", "-oX", []), ("web1", "a\nb", []), ("web1", "localhost", ["../x"])],
)
def test_names_are_checked_first(tmp_path, name, address, plugins):
    with pytest.raises(Refused):
        write_template(tmp_path / "new", name, address, plugins)
    assert not (tmp_path / "new").exists()
