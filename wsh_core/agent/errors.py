from __future__ import annotations

import traceback


class AgentError(Exception):
    """What stops one resource, or the whole operation: cause, remedy and, apart, the words of the program that failed.

    ``code`` is one of docs/reference/errors.md, ``detail`` other people's words, never shown unescaped.
    """

    outcome = "failed"
    """The word for a resource that this happened to."""

    def __init__(self, code: str, message: str, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.detail = detail

    def event(self) -> dict[str, str | None]:
        return {"code": self.code, "message": self.message, "hint": self.hint, "detail": self.detail}


def io_error(what: str, error: OSError) -> AgentError:
    """An error of the operating system, in words; ``what`` says whose it is, or what it stopped."""
    place = f"{error.filename}: " if error.filename else ""
    return AgentError(
        "server.io", f"{what}: {place}{error.strerror or error}", "look at the place and at the disk: df -h; df -i"
    )


def told(what: str, error: Exception) -> AgentError:
    """Any error as one that can be told; ``what`` says whose it is."""
    if isinstance(error, AgentError):
        return error
    return io_error(what, error) if isinstance(error, OSError) else bug(error)


def bug(error: Exception) -> AgentError:
    """What is nobody's bad input: the traceback goes along, for the log and for a report."""
    return AgentError(
        "agent.bug",
        f"this is a bug in wsh: {type(error).__name__}: {error}",
        "what was done so far stays and is known; please report it with the detail",
        "".join(traceback.format_exception(error)),
    )


class RefusedError(AgentError):
    """Nothing is broken, but what is wanted is not done this way."""

    outcome = "refused"
