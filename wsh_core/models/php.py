"""The PHP settings that a site may have. Each is typed, so none can carry anything else into php.ini."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from wsh_core.models.base import Model
from wsh_core.models.text import Text
from wsh_core.models.types import Size


class IniSize(Size):
    """A size that php.ini takes as it stands; it knows K, M and G."""

    what = "a size (a number and K, M or G)"
    example = "256M"
    pattern = r"[0-9]{1,13}(?:\.[0-9]{1,3})?[KMG]"
    most = 1023 << 30


class TimeZone(Text):
    """A name of the time zone database."""

    what = "a time zone"
    example = "Europe/London"
    pattern = "[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*"
    longest = 50


Count = Annotated[int, Field(ge=1, le=100_000)]
Seconds = Annotated[int, Field(ge=1, le=86_400)]


class PhpSettings(Model):
    """PHP settings of one site, by their names in php.ini (php.net, list of php.ini directives)."""

    called: ClassVar[str] = "a PHP setting that a site may have"

    memory_limit: IniSize | None = Field(
        None, description="Memory that one PHP request may use, at most the package's.", examples=["256M"]
    )
    upload_max_filesize: IniSize | None = Field(
        None, description="The largest file that can be uploaded.", examples=["64M"]
    )
    post_max_size: IniSize | None = Field(
        None,
        description="The largest request with form data; larger than upload_max_filesize.",
        examples=["72M"],
    )
    max_execution_time: Seconds | None = Field(
        None, description="Seconds that one PHP request may run.", examples=[120]
    )
    max_input_time: Seconds | None = Field(
        None, description="Seconds that PHP may take to read a request.", examples=[60]
    )
    max_input_vars: Count | None = Field(None, description="Form fields that one request may have.", examples=[3000])
    max_file_uploads: Count | None = Field(None, description="Files that one request may upload.", examples=[20])
    display_errors: bool | None = Field(
        None, description="Show PHP's errors in the page; for development only.", examples=[False]
    )
    short_open_tag: bool | None = Field(None, description="Take `<?` for `<?php`.", examples=[False])
    timezone: TimeZone | None = Field(
        None, alias="date.timezone", description="The time zone of PHP's dates.", examples=["Europe/London"]
    )
    session_lifetime: Seconds | None = Field(
        None,
        alias="session.gc_maxlifetime",
        description="Seconds after which an idle session ends.",
        examples=[1440],
    )

    def ini(self) -> dict[str, str]:
        """The settings that were given, as php.ini takes them."""
        given = {field.alias or name: getattr(self, name) for name, field in type(self).model_fields.items()}
        return {name: _written(value) for name, value in given.items() if value is not None}


def _written(value: bool | int | str) -> str:
    return ("On" if value else "Off") if isinstance(value, bool) else str(value)
