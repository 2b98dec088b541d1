from __future__ import annotations

from collections.abc import Sequence

from ..errors import AgentError
from ..protocol import Resource
from .base import Kind, State


class UserKind(Kind):
    """A Unix user with a group of its own of the same name and number."""

    name = "user"

    def desired(self, resource: Resource) -> State:
        want = resource.want
        return {
            "uid": int(want["uid"]),
            "gid": int(want["uid"]),
            "home": want["home"],
            "shell": want["shell"],
            "groups": sorted(want["groups"]),
        }

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        names = self.host.names
        memberships: dict[str, list[str]] = {}
        for group in names.groups:
            for member in names.members(group):
                memberships.setdefault(member, []).append(group)
        found: dict[str, State | None | AgentError] = {}
        for resource in resources:
            row = names.users.get(resource.want["name"])
            found[resource.id] = (
                None
                if row is None
                else {
                    "uid": int(row[2]),
                    "gid": int(row[3]),
                    "home": row[5],
                    "shell": row[6],
                    "groups": sorted(memberships.get(row[0], [])),
                }
            )
        return found

    def write(self, resource: Resource, actual: State | None) -> None:
        name, want = resource.want["name"], self.desired(resource)
        options = [
            "--home-dir" if actual is None else "--home",
            want["home"],
            "--shell",
            want["shell"],
            "--groups",
            ",".join(want["groups"]),
            "--prefix",
            self.host.root,
        ]
        if actual is None:
            self.host.run(["groupadd", "--gid", str(want["gid"]), "--prefix", self.host.root, name])
            self.host.run(
                [
                    "useradd",
                    "--uid",
                    str(want["uid"]),
                    "--gid",
                    name,
                    "--no-create-home",
                    "--no-log-init",
                    *options,
                    name,
                ]
            )
        elif (actual["uid"], actual["gid"]) != (want["uid"], want["gid"]):
            raise AgentError(
                "user.number",
                f"user {name} has number {actual['uid']}:{actual['gid']}, wsh gave it {want['uid']}",
                f"a user's number is never changed; find out who changed it, then: usermod --uid {want['uid']} {name}",
            )
        else:
            self.host.run(["usermod", *options, name])
        self.host.names.refresh()
