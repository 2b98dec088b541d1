"""Several servers at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping

from wsh_core.errors import WshError
from wsh_core.transport.base import Event

Work = Callable[[], Iterator[Event]]
_Found = queue.SimpleQueue[tuple[str, Event | BaseException | None]]


def each(
    work: Mapping[str, Work], at_once: int = 8, tick: float | None = None
) -> Iterator[tuple[str, Event | WshError | None]]:
    """Do the work of each server beside the others'; yield what comes of it, with the server's name.

    With `tick`, None is yielded whenever nothing came for so many seconds. An error ends its own server's
    part alone and is yielded, not raised; any other exception is raised here. What was not begun when the
    caller stops listening is not begun any more.
    """
    found: _Found = queue.SimpleQueue()
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    stopped = threading.Event()
    for server in work:
        waiting.put(server)
    for _ in range(min(at_once, len(work))):
        threading.Thread(target=_labour, args=(work, waiting, found, stopped), daemon=True).start()
    left = len(work)
    try:
        while left:
            try:
                server, what = found.get(timeout=tick)
            except queue.Empty:
                yield "", None
                continue
            if what is None:
                left -= 1
            elif isinstance(what, BaseException) and not isinstance(what, WshError):
                raise what
            else:
                yield server, what
    finally:
        stopped.set()


def _labour(work: Mapping[str, Work], waiting: queue.SimpleQueue[str], found: _Found, stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            server = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            for event in work[server]():
                found.put((server, event))
        except BaseException as error:  # noqa: BLE001 - carried to the caller's thread
            found.put((server, error))
        found.put((server, None))
