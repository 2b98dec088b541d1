"""The live area: at most four lines at the bottom of a terminal that are repainted; all else goes above."""

from __future__ import annotations

from collections.abc import Sequence

from wsh_core.cli.terminal import Console, Part, cut

LINES = 4
_UP_AND_CLEAR = "\x1b[1A\x1b[2K"


class Live:
    """Lines that are repainted in place. Whatever is printed goes above them."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._painted = 0

    def paint(self, lines: Sequence[Sequence[Part]]) -> None:
        """Show `lines`, cut to the terminal's width, in place of those shown before."""
        self.clear()
        width = (self.console.width or 80) - 1
        for line in lines[:LINES]:
            text = "".join(part if isinstance(part, str) else part.text for part in line)
            self.console.line(cut(text, width))
            self._painted += 1
        self.console.flush()

    def clear(self) -> None:
        """Take the area away, so that lines can be printed."""
        self.console.stream.write(_UP_AND_CLEAR * self._painted)
        self._painted = 0


def bar(done: int, total: int, width: int = 20) -> str:
    """A bar: one cell at least if something is done, all only if everything is."""
    cells = 0 if not done else width if done >= total else min(max(1, done * width // total), width - 1)
    return "[" + "#" * cells + "." * (width - cells) + "]"
