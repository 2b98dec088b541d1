"""The reference of hooks and vocabulary, made from the code: python tools/plugin_reference.py > FILE."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from wsh_core import hookspecs, plugin
from wsh_core.vocabulary.base import Declaration
from wsh_core.vocabulary.context import SiteContext
from wsh_core.vocabulary.options import AppOptions

HEAD = """\
# Hooks and vocabulary of plugins

Made from the code by `python tools/plugin_reference.py > docs/reference/plugin.md`. How a plugin is written from the
beginning is told in [Write a plugin](../how-to/write-a-plugin.md). All names are imported from `wsh_core.plugin`.
"""

SECTIONS = {
    "The application": ("App", "VersionFile", "Probe", "Layout", "Database"),
    "Releases and where they come from": (
        "Release", "Archive", "ComposerProject", "DebianPackage", "LocalFile", "releases", "Upstream", "upstream",
    ),
    "What holds as long as the site exists": ("ConfigFile", "Job", "Vhost"),
    "Steps": ("Php", "Script", "Run", "Write", "Remove"),
    "Text that the server completes": ("Secret", "Fact", "Join"),
    "Options": ("AppOptions", "OptionsModel", "NeedsOption"),
    "What a hook is told": ("SiteContext",),
    "Helpers": ("php", "php_constants"),
}  # fmt: skip
TYPES = {
    "Line": "text on one line, without anything that cannot be seen",
    "Email": "a mail address",
    "DomainName": "a domain, as an A-label in lower case",
    "RelativePath": "a path below the site's tree",
    "Step": "`Php`, `Run`, `Write` or `Remove`",
    "Text": "`str`, `Secret`, `Fact` or `Join`",
    "hookimpl": "marks a function as the implementation of the hook of its name",
    "API": "the version of these words, which a plugin repeats as `WSH_API`",
}
"""Names that are types or marks: one line each."""


def reference() -> str:
    """The whole page."""
    parts = [HEAD, "## Hooks\n", *(text for hook in hooks() for text in _hook(hook))]
    for title, names in SECTIONS.items():
        parts += [f"## {title}\n", *(text for name in names for text in _name(name))]
    parts += ["## Types and marks\n", _table(("name", "what it is"), [(f"`{n}`", text) for n, text in TYPES.items()])]
    return "\n".join(parts)


def hooks() -> list[Any]:
    """The hooks, in the order of their module."""
    return [value for name, value in vars(hookspecs).items() if name.startswith("wsh_")]


def _hook(hook: Any) -> Iterator[str]:
    answer = inspect.signature(hook).return_annotation
    yield f"### `{hook.__name__}({', '.join(inspect.signature(hook).parameters)}) -> {answer}`\n"
    yield _markdown(hook)


def _name(name: str) -> Iterator[str]:
    thing = getattr(plugin, name)
    if inspect.isfunction(thing):
        yield f"### `{name}{_signature(thing)}`\n"
        yield _markdown(thing)
        return
    yield f"### `{name}`\n"
    yield _markdown(thing)
    if thing is AppOptions or issubclass(thing, BaseException):
        return
    if issubclass(thing, Declaration):
        yield _table(("field", "type", "default", "what it takes"), [_field(each) for each in fields(thing)])
    elif thing is SiteContext:
        yield _table(("field", "type"), [_field(each)[:2] for each in fields(thing)])
    for member, value in vars(thing).items():
        if not member.startswith("_") and member not in {"as_data", "check", "tag"} and _told(value):
            yield from _member(thing, member, value)


def _told(value: Any) -> bool:
    return isinstance(value, property | classmethod) or inspect.isfunction(value)


def _member(thing: type, member: str, value: Any) -> Iterator[str]:
    if isinstance(value, property):
        yield f"`{thing.__name__}.{member}`: {_markdown(value.fget)}"
    else:
        function = value.__func__ if isinstance(value, classmethod) else value
        yield f"`{thing.__name__}.{member}{_signature(function)}`: {_markdown(function)}"


def _signature(function: Any) -> str:
    plain = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(function)))
    return re.sub(r"\((cls|self)(, )?", "(", plain, count=1)


def _field(each: Field[Any]) -> tuple[str, str, str, str]:
    check = each.metadata.get("check")
    says = " ".join((check.__doc__ or "").split("\n\n")[0].split()) if check else ""
    shown = "needed" if each.default is MISSING and each.default_factory is MISSING else f"`{_default(each)}`"
    alone = " (by name)" if each.kw_only else ""
    return f"`{each.name}`{alone}", f"`{each.type}`", shown, says.replace("``", "`")


def _default(each: Field[Any]) -> str:
    value = each.default if each.default is not MISSING else each.default_factory()  # type: ignore[misc]
    if is_dataclass(value):
        return f"{type(value).__name__}()"
    return value.__name__ if isinstance(value, type) else repr(value)


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return (
        "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"
    )


def _markdown(thing: Any) -> str:
    """A docstring as Markdown: its code blocks fenced, its literals in single quotes."""
    text = inspect.getdoc(thing) or ""
    lines, inside = [], False
    section = ""
    for line in text.splitlines():
        if line.rstrip() in {"Raises:", "Args:"}:
            section = line
        code = line.startswith("    ") and not section
        if code and not inside:
            lines += ["```python"]
        elif inside and line and not code:
            lines += ["```", ""]
        inside = code or (inside and not line)
        body = line[4:] if code else line.replace("``", "`")
        lines.append(re.sub(r"(Example|[^:]):(:)$", r"\1:", body) if not code else body)
    if inside:
        lines.append("```")
    found = "\n".join(lines)
    found = re.sub(r"\n+```\n", "\n```\n", found)
    found = re.sub(r"\n\n(@hookimpl|class )", r"\n\n\n\1", found)  # as ruff has it
    return re.sub(r"(?<!\n)\n```python", "\n\n```python", found) + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
