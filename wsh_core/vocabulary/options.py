"""What a site's ``options`` may say: a model of the plugin's own."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from wsh_core.models.options import Options

from .sources import Archive, LocalFile, Release


class OptionsModel(Options):
    """Base of a plugin's options. Each field needs a description, which is shown to those who write YAML.

    Nothing is converted: an option that is text must be text in the YAML. Defaults are part of the model, so
    that what most sites want need not be written; an option that depends on another raises `NeedsOption` in
    the hook that finds it missing.
    """

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        for name, field in cls.model_fields.items():
            if not field.description:
                raise TypeError(f"{cls.__name__}.{name}: needs a description, say Field(description='…')")


class NeedsOption(ValueError):  # noqa: N818 - it is what a plugin says, not what went wrong
    """Raised by a hook when this site needs an option that is left out; *why* says what made it needed."""

    def __init__(self, option: str, why: str) -> None:
        super().__init__(f"{option} is needed: {why}")
        self.option = option


class OwnRelease(OptionsModel):
    """A release that the plugin does not know: the operator vouches for it."""

    version: str = Field(description="Version of the application", examples=["7.1.4"])
    url: str | None = Field(None, description="https URL of an archive (tar or zip)")
    path: str | None = Field(None, description="Path of an archive on the server, instead of a URL")
    sha256: str = Field(description="SHA-256 checksum of the archive: 64 hexadecimal digits")
    root: str = Field("", description="Directory in the archive that becomes the site's tree")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        self.release(("8.4",))
        return self

    def release(self, php: tuple[str, ...]) -> Release:
        """Return it as a release for these PHP versions; ValueError if it is none."""
        if self.url is not None and self.path is None:
            return Release(self.version, php, (Archive(self.url, self.sha256, self.root),))
        if self.path is not None and self.url is None:
            return Release(self.version, php, (LocalFile(self.path, self.sha256, self.root),))
        raise ValueError("give either url or path")


class AppOptions(OptionsModel):
    """Base of the options of an application that is installed."""

    source: OwnRelease | None = Field(
        None, description="A release of your own choice, instead of one that the plugin knows"
    )
