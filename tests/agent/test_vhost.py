"""The files of virtual hosts in a scratch tree, where no Apache runs; tests/lab/test_services.py has one."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Agent, outcomes, request, resource

pytestmark = pytest.mark.needs_machine
PLACE = "/etc/apache2/wsh/sites/alice-blog.conf"
CONTENT = "<VirtualHost *:443>\n</VirtualHost>\n"
NO_SITES = ["bob-blog", "alice", "alice-", "alice-../../x", "alice-x.conf", "alice-" + "x" * 17]


def wanted(content: str = CONTENT, name: str = "alice-blog") -> dict[str, Any]:
    return request(resources=[resource(f"vhost:{name}", "alice", name=name, content=content)])


def test_a_file_is_made_changed_and_then_left_alone(agent: Agent) -> None:
    assert outcomes(agent.plan(wanted())) == {"vhost:alice-blog": "planned"}
    assert not agent.path(PLACE).exists()
    assert outcomes(agent.apply(wanted())) == {"vhost:alice-blog": "changed"}
    before = agent.path(PLACE).stat()
    assert (before.st_uid, before.st_gid, before.st_mode & 0o7777) == (0, 0, 0o644)
    again = agent.apply(wanted())
    assert outcomes(again) == {}
    assert again[-1]["processes"] == 0
    assert agent.path(PLACE).stat() == before
    agent.apply(wanted("# é\n"))
    assert agent.path(PLACE).read_text() == "# é\n"


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o4644])
def test_a_file_that_is_not_roots_alone_is_mended(agent: Agent, mode: int) -> None:
    agent.apply(wanted())
    agent.path(PLACE).chmod(mode)
    assert outcomes(agent.apply(wanted())) == {"vhost:alice-blog": "changed"}
    assert agent.path(PLACE).stat().st_mode & 0o7777 == 0o644


def test_a_link_in_its_place_is_refused_and_not_followed(agent: Agent) -> None:
    agent.apply(wanted())
    agent.path(PLACE).unlink()
    agent.path("/etc/victim").write_text("mine")
    agent.path(PLACE).symlink_to(agent.path("/etc/victim"))
    events = agent.apply(wanted("other"))
    (failed,) = [e for e in events if e["type"] == "resource"]
    assert failed["error"]["code"] == "path.unsafe"
    assert agent.path("/etc/victim").read_text() == "mine"


@pytest.mark.parametrize("name", NO_SITES)
def test_a_name_that_is_no_site_of_the_account_is_refused(agent: Agent, name: str) -> None:
    (failed,) = [e for e in agent.apply(wanted(name=name)) if e["type"] == "resource"]
    assert failed["error"]["code"] == "request.site"
    assert not agent.path(PLACE).parent.exists()
