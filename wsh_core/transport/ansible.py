"""The agent of another machine: one Ansible task for each call, over SSH."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wsh_core.agent import paths
from wsh_core.errors import AgentFailure, TransportError, UnreachableError
from wsh_core.transport import package, problems, runner
from wsh_core.transport.library import wsh_agent
from wsh_core.transport.local import not_ready
from wsh_core.transport.login import Login

PLAYBOOK = runner.LIBRARY / "wsh_agent.yml"


class Ansible:
    """The channel to a server's agent over SSH. An answer comes whole, when the call ends.

    The agent's file is sent only when the server does not have it. Ansible's own output goes to `log` alone.
    """

    wait = 5.0

    def __init__(
        self,
        login: Login,
        log: Path | None = None,
        *,
        directory: str = paths.LIB,
        agent: package.Package | None = None,
    ) -> None:
        self.login = login
        self.log = log
        self.directory = directory
        self.agent = agent or package.build()

    def run(self, words: Sequence[str], request: bytes = b"") -> Iterator[bytes]:
        """See `wsh_core.transport.base.Channel`."""
        call = {
            "directory": self.directory,
            "name": self.agent.name,
            "data": "",
            "words": list(words),
            "request": request.decode(),
        }
        answer = self._ask(call)
        if "need" in answer:
            answer = self._ask({**call, "data": base64.b64encode(self.agent.data).decode("ascii")})
        if error := answer.get("error"):
            raise self._refused(str(error), answer)
        out = str(wsh_agent.unpack(answer["out"])).encode()
        if not out:
            raise AgentFailure(
                "agent.broken-off",
                f"the agent of {self.login.name} ended with status {answer['status']} and said nothing",
                f"{self.login.command} python3 --version must be Debian's own",
                detail=answer["err"] or None,
            )
        yield out

    def _ask(self, call: Mapping[str, Any]) -> dict[str, Any]:
        answers: list[dict[str, Any]] = []
        failures: list[TransportError] = []

        def take(event: runner.Event) -> None:
            result = (event.get("event_data") or {}).get("res") or {}
            match event["event"]:
                case "runner_on_ok":
                    answers.append(result.get("wsh") or {})
                case "runner_on_unreachable":
                    failures.append(UnreachableError.of([problems.unreachable(self.login, result)]))
                case "runner_on_failed":
                    failures.append(self._failed(problems.words(result)))

        runner.play(PLAYBOOK, {self.login: {"wsh_call": wsh_agent.pack(call)}}, take, log=self.log)
        if failures:
            raise failures[0]
        if not answers or not answers[0]:
            raise self._failed("the task ended without a result")
        return answers[0]

    def _failed(self, said: str) -> TransportError:
        first, _, _ = said.partition("\n")
        return TransportError(
            "server.ansible",
            f"Ansible could not run the agent of {self.login.name}: {first}",
            self.login.command,
            detail=said,
        )

    def _refused(self, error: str, answer: Mapping[str, Any]) -> TransportError:
        match error:
            case "not-ready":
                return not_ready(self.login.name)
            case "need-root":
                return TransportError(
                    "server.need-root",
                    f"the agent of {self.login.name} must run as root, the login there is not",
                    "let ssh log in as root, or as a user whom sudo lets become root without a password",
                )
            case _:
                return self._failed(str(answer.get("err", error)))
