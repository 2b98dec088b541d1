"""No-change and one-change applies, beside the bare reading of the same state and the raw commands."""

from __future__ import annotations

from collections.abc import Iterator

from .figures import Figure, figure
from .server import DESCRIPTION, Bench, names


def measure(bench: Bench, count: int) -> Iterator[Figure]:
    """Both figures at so many accounts, each with three sites."""
    bench.describe(count)
    bench.apply()
    apply = f"{bench.wsh} -C {DESCRIPTION} apply --yes"
    runs = 5 if count >= 1000 else 9
    bare = bench.seconds("python3 /root/bare.py", input=bench.state(count), runs=runs)
    yield figure(
        f"no-change-{count}",
        bench.seconds(apply, runs=runs),
        ("bare reading of the same state", bare),
        most=3 if count >= 1000 else None,
        ratio=2,
    )
    name = names(count)[count // 2]
    file = f"{DESCRIPTION}/servers/web1/accounts/{name}.yaml"
    bench.server.run(["sh", "-c", f"sed -i 's/sites: 4/sites: 40/' {DESCRIPTION}/wsh.yaml"])
    one = bench.seconds(
        f"printf '  n%s: {{domains: [n%s.{name}.test], app: static}}\\n' $N $N >> {file}; {apply} --account {name}",
        runs=runs,
    )
    raw = bench.seconds(
        f"sh /root/raw_site.sh {name} r$N r$N.{name}.test /etc/apache2/wsh/sites/{name}-one.conf", runs=runs
    )
    bench.server.run(["sh", "-c", f"rm -f /etc/apache2/wsh/sites/{name}-r*.conf; systemctl reload apache2"])
    yield figure(f"one-change-{count}", one, ("raw commands, shadow test and reload included", raw), ratio=1.5)
