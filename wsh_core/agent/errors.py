from __future__ import annotations


class AgentError(Exception):
    """What stops one resource, or the whole operation: cause, remedy and, apart, the words of the program that failed.

    ``code`` is one of docs/reference/errors.md, ``detail`` other people's words, never shown unescaped.
    """

    def __init__(self, code: str, message: str, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.detail = detail

    def event(self) -> dict[str, str | None]:
        return {"code": self.code, "message": self.message, "hint": self.hint, "detail": self.detail}
