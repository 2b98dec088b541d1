"""`wsh init`: a description to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from wsh_core.cli.help import Command, argument, option
from wsh_core.cli.session import Answer
from wsh_core.cli.terminal import Console, Span
from wsh_core.errors import UsageError


@click.command(
    cls=Command, section="Describe", exits=(0, 2, 3),
    examples=[
        ("wsh init", "here, for one server, which is this machine"),
        ("wsh init hosting --server web2 --address web2.example.org", "in ./hosting, for a server elsewhere"),
    ],
)  # fmt: skip
@argument("directory", default=".", metavar="DIR", help="where; it is made if need be (here)")
@option("--server", metavar="NAME", default="web1", group="What", help="what the first server is called (web1)")
@option("--address", metavar="HOST", default="localhost", group="What", help="where it is reached (localhost)")
@option("--debian", type=click.Choice(["12", "13"]), default="13", group="What", help="its release (13)")
def init(directory: str, server: str, address: str, debian: str) -> Answer:
    """Make a description to begin with, with a comment at every choice."""
    from wsh_core.models.load import load_description
    from wsh_core.models.template import write_template
    from wsh_core.models.types import Refused
    from wsh_core.plugins import installed

    root = Path(directory)
    plugins = [plugin.name for plugin in installed()]
    try:
        written = write_template(root, server, address, plugins, debian=int(debian))
    except Refused as error:
        raise UsageError("usage.value", str(error), error.hint) from None
    load_description(root, strict=True)
    names = [str(path.relative_to(root)) for path in written]

    def text(out: Console) -> None:
        out.line(f"{root.resolve()}: {', '.join(names)} written and checked")
        out.line("Next: edit them; wsh check; ", Span(f"wsh server setup {server}", "bold"))

    return Answer({"directory": str(root.resolve()), "files": names}, text)
