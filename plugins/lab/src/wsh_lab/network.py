"""The lab's network: a bridge, an address per server, NAT out.

All names carry the lab's number, so two labs do not meet. What is made here is removed with the last server.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterable
from pathlib import Path

from wsh_lab.errors import LabError
from wsh_lab.tools import run

_NAT = """\
table ip {table}
delete table ip {table}
table ip {table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat
        ip saddr {range} oifname != "{bridge}" masquerade
    }}
}}
"""
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_FORWARDING_BEFORE = Path("/run/wsh-lab.ip_forward")


class Network:
    """The range is ``$WSH_LAB_NETWORK`` (a /24), or one of 10.213.0.0/16 by the lab's number."""

    def __init__(self, number: int) -> None:
        given = os.environ.get("WSH_LAB_NETWORK") or f"10.213.{number}.0/24"
        try:
            self.range = ipaddress.IPv4Network(given)
        except ValueError as error:
            raise LabError("network", f"WSH_LAB_NETWORK: {error}", "say 10.99.1.0/24, for example", status=2) from None
        if self.range.prefixlen > 28:
            raise LabError("network", f"WSH_LAB_NETWORK: {given} is too small", "use a /24", status=2)
        self.bridge = f"wshlab{number}"
        self.table = f"wsh_lab_{number}"
        self._number = number
        self.gateway = str(self.range[1])

    def free_address(self, taken: Iterable[str]) -> str:
        """The lowest address that no server has."""
        used = {*taken, self.gateway}
        for address in self.range.hosts():
            if str(address) not in used:
                return str(address)
        raise LabError("network-full", f"all addresses of {self.range} are taken", "wsh lab down --all")

    def up(self) -> None:
        """Make bridge and NAT, if they are not there. Hold the lab's lock."""
        if not run(["ip", "link", "show", "dev", self.bridge], check=False):
            self._refuse_overlap()
            run(["ip", "link", "add", self.bridge, "mtu", self._mtu(), "type", "bridge"])
        run(["ip", "address", "replace", f"{self.gateway}/{self.range.prefixlen}", "dev", self.bridge])
        run(["ip", "link", "set", self.bridge, "up"])
        self._refuse_firewall()
        run(["nft", "-f", "-"], input=_NAT.format(table=self.table, range=self.range, bridge=self.bridge))
        if _FORWARDING.read_text().strip() == "0":
            _FORWARDING_BEFORE.write_text("0")
            _FORWARDING.write_text("1")

    def down(self) -> None:
        """Remove bridge and NAT, and stop forwarding if the lab began it. Hold the lab's lock."""
        run(["ip", "link", "delete", self.bridge], check=False)
        run(["nft", "delete", "table", "ip", self.table], check=False)
        if _FORWARDING_BEFORE.exists() and "wsh_lab_" not in run(["nft", "list", "tables"]):
            _FORWARDING.write_text("0")
            _FORWARDING_BEFORE.unlink()

    def attach(self, pid: int, address: str) -> None:
        """Give the network namespace of that process its ``eth0``; it goes away with the namespace.

        The hardware address follows from the address, so that nobody remembers another from the last boot.
        """
        outside, mtu = self._outside(address), self._mtu()
        hardware = "02:00:" + ipaddress.IPv4Address(address).packed.hex(":")
        inside = ["name", "eth0", "address", hardware, "mtu", mtu, "netns", str(pid)]
        run(["ip", "link", "delete", outside], check=False)
        run(["ip", "link", "add", outside, "mtu", mtu, "type", "veth", "peer", *inside])
        run(["ip", "link", "set", outside, "master", self.bridge, "up"])
        commands = [
            "link set lo up",
            f"address add {address}/{self.range.prefixlen} dev eth0",
            "link set eth0 up",
            f"route add default via {self.gateway}",
        ]
        run(["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"], input="\n".join(commands) + "\n")

    def detach(self, address: str) -> None:
        """Remove what a half-made server may have left on this side."""
        run(["ip", "link", "delete", self._outside(address)], check=False)

    def _outside(self, address: str) -> str:
        return f"wl{self._number}-{int(ipaddress.IPv4Address(address)) - int(self.range.network_address)}"

    def _mtu(self) -> str:
        """What fits through the way out; larger packets would have to be broken up."""
        for route in json.loads(run(["ip", "-json", "route", "show", "default"])):
            (link,) = json.loads(run(["ip", "-json", "link", "show", "dev", route["dev"]]))
            return str(link["mtu"])
        return "1500"

    def _refuse_firewall(self) -> None:
        """A chain that drops by default (Docker's, say) wins over anything this lab could accept."""
        chains = json.loads(run(["nft", "--json", "list", "chains"]))["nftables"]
        for chain in (entry["chain"] for entry in chains if "chain" in entry):
            if chain.get("hook") != "forward" or chain.get("policy") != "drop":
                continue
            place = [chain["family"], chain["table"], chain["name"]]
            if self.bridge not in run(["nft", "list", "chain", *place]):
                insert = f"nft insert rule {' '.join(place)}"
                raise LabError(
                    "firewall",
                    f"chain {' '.join(place)} of this machine drops what the servers send and receive",
                    f"{insert} iifname {self.bridge} accept && {insert} oifname {self.bridge} accept",
                )

    def _refuse_overlap(self) -> None:
        for route in json.loads(run(["ip", "-json", "route", "show"])):
            if route["dst"] != "default" and self.range.overlaps(ipaddress.IPv4Network(route["dst"])):
                raise LabError(
                    "network",
                    f"this machine routes {route['dst']} to {route.get('dev')}, which overlaps the lab's {self.range}",
                    "set WSH_LAB_NETWORK to a free /24",
                )


def resolver(etc: Path = Path("/etc"), run_directory: Path = Path("/run")) -> str:
    """A ``resolv.conf`` for the servers: this machine's, or what stands behind its local stub."""
    for path in (etc / "resolv.conf", run_directory / "systemd/resolve/resolv.conf"):
        lines = path.read_text().splitlines() if path.is_file() else []
        kept = [
            line
            for line in lines
            if line.split()[:1] not in ([], ["#"]) and " 127." not in line and not line.endswith(" ::1")
        ]
        if any(line.startswith("nameserver") for line in kept):
            return "".join(f"{line}\n" for line in kept)
    raise LabError(
        "no-resolver",
        f"{etc}/resolv.conf names no server that others can reach",
        "name one beside the local one there: the lab's servers have a network of their own",
    )


def hosts(name: str, text: str) -> str:
    """An ``/etc/hosts`` for a server: its own name, and what this machine's file says beyond loopback."""
    beyond = [
        line
        for line in text.splitlines()
        if line.strip() and not line.lstrip().startswith(("#", "127.", "::1", "fe00:", "ff00:", "ff02:"))
    ]
    return "\n".join(["127.0.0.1 localhost", f"127.0.1.1 {name}", "::1 localhost ip6-localhost", *beyond]) + "\n"
