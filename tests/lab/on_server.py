"""Runs on a server: calls of the agent's parts, as JSON on stdin; their results, one a line, on stdout.

Usage: on_server.py AGENT. A call is [what, argument, options]: ``enter`` (argv), ``ask`` (a verb, of one
helper for all calls), ``fetch`` (a source).
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from agent import cache, enter, host, jailed
from agent.errors import AgentError


def main():
    request = json.load(sys.stdin)
    said = []
    server = host.Host("/", writable=False, emit=said.append)
    server.uids, server.jails = request["uids"], request["jails"]
    helper = None
    for what, argument, options in request["calls"]:
        try:
            if what == "enter":
                jail = enter.Jail.of(server, options.pop("account"))
                done = enter.enter(server, jail, argument, **options)
                result = [done.returncode, done.stdout.decode(), done.stderr.decode()]
            elif what == "ask":
                jail = enter.Jail.of(server, request["account"])
                helper = helper or jailed.Helper(server, jail, network=options.pop("network", False))
                result = helper.ask(argument, **options)
            else:
                before = server.processes
                result = [cache.Cache(server, said.append).get(argument), server.processes - before]
        except AgentError as error:
            result = error.event()
        sys.stdout.write(json.dumps(result) + "\n")
    if helper:
        helper.close()


main()
