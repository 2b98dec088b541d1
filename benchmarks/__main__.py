from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator

from wsh_lab import Lab

from . import converge, php
from .figures import Figure
from .server import Bench

SETS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "accounts-100": lambda bench: converge.measure(bench, 100),
    "php-100": lambda bench: php.measure(bench, 100),
    "accounts-1000": lambda bench: converge.measure(bench, 1000),
    "php-1000": lambda bench: php.measure(bench, 1000),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./bench", description="Measure on a lab server, beside baselines.")
    parser.add_argument("--json", action="store_true", help="one object with all figures")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(SETS)}")
    options = parser.parse_args()
    if unknown := set(options.names) - set(SETS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    bench, figures = Bench(Lab()), []
    try:
        for name in options.names or SETS:
            for figure in SETS[name](bench):
                figures.append(figure)
                if not options.json:
                    print(figure.to_text(), flush=True)
    finally:
        bench.close()
    if options.json:
        print(json.dumps({"machine": platform.platform(), "figures": [f.to_json() for f in figures]}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
