"""What wsh makes on a server, by Debian's own tools: to compare two servers, or two moments."""

from __future__ import annotations

from .world import World

STATE = r"""
set -e
cd /
found() {  # without operations, which leave a log each, and mount points that systemd makes in a jail
  find home etc/wsh etc/apache2/wsh etc/systemd/system etc/systemd/system.control var/lib/wsh var/log/wsh \
    -not -path '*/operations/*' -not -path '*/jail/*/dev/shm' -not -path '*/jail/*/run/systemd*' "$@" | sort -z
}
lines() {  # one for each paragraph
  awk 'BEGIN { RS = "" } { gsub("\n", " "); print }'
}
found -printf '%p %y %l\0' | tr '\0' '\n'
found -not -type l -print0 | xargs -0 getfacl -p | lines
find etc/apache2/wsh etc/systemd/system/wsh* var/lib/wsh/jail -type f | sort | xargs sha256sum
find etc/systemd/system.control -type f | sort | xargs grep =
systemctl list-units --all --plain --no-legend 'wsh-*.socket' 'wsh-*.slice' | cut -d' ' -f1 | sort |
  xargs systemctl show --property=Id,ActiveState,MemoryMax,TasksMax,CPUQuotaPerSecUSec | lines
getent passwd
getent group | cut -d: -f1-3
getent passwd | cut -d: -f1 | xargs id
mariadb -NBe "SELECT CONCAT('SHOW CREATE USER ', who, '; SHOW GRANTS FOR ', who, ';') FROM
  (SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) AS who FROM mysql.global_priv) AS everyone ORDER BY 1" | mariadb -NB
mariadb -NBe "SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA ORDER BY 1;
  SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES ORDER BY 1, 2"
for cert in /var/lib/wsh/tls/*/cert.pem; do openssl x509 -in "$cert" -noout -ext subjectAltName; done
"""


def state(world: World) -> list[str]:
    """What wsh makes on a server, as lines; without what is made anew each time: keys, and times."""
    return world.server.run(["sh", "-c", STATE]).stdout.splitlines()


def differences(one: list[str], other: list[str], *but: str) -> list[str]:
    """The lines that are in one of two states only; not those that hold one of these words."""
    differ = sorted(set(one).symmetric_difference(other))
    return [line for line in differ if not any(word in line for word in but)]
