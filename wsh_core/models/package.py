"""A package: the limits that are sold."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field

from wsh_core.models.base import Many, Model
from wsh_core.models.types import Memory, Name, Percent, Size

EXAMPLE: Final = {
    "disk": "2G", "inodes": 200000, "memory": "512M", "cpu": "50%", "tasks": 100, "sites": 3, "databases": 3,
}  # fmt: skip


class Package(Model):
    """Limits of an account, all its sites, sessions and jobs together."""

    called: ClassVar[str] = "a key of a package"

    disk: Size = Field(description="Room for its files and databases.", examples=["2G"])
    inodes: int = Field(ge=1000, description="How many files and directories it may have.", examples=[200000])
    memory: Memory = Field(description="Memory of all its processes together.", examples=["512M"])
    cpu: Percent = Field(description="Its share of one processor; 200% are two.", examples=["50%"])
    tasks: int = Field(ge=16, le=32768, description="How many processes and threads it may have.", examples=[100])
    sites: int = Field(ge=0, description="How many sites it may have.", examples=[3])
    databases: int = Field(ge=0, description="How many databases it may have.", examples=[3])
    apps: Many[Name] | None = Field(
        None,
        description="The applications it may use; all where it is left out.",
        examples=[["static", "wordpress"]],
    )
