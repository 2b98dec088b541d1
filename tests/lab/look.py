"""What wsh makes on a server, by Debian's own tools: to compare two servers, or two moments."""

from __future__ import annotations

from .world import World

STATE = r"""
set -e
cd /
where='home etc/wsh etc/apache2/wsh etc/systemd/system etc/systemd/system.control var/lib/wsh var/log/wsh'
find $where -not -path '*/operations/*' -printf '%p %y %l\n' | sort
find $where -not -path '*/operations/*' -not -type l -print0 | sort -z | xargs -0 getfacl -p
find etc/apache2/wsh etc/systemd/system*/wsh* var/lib/wsh/jail -type f | sort | xargs sha256sum
getent passwd
getent group
systemctl list-units --all --plain --no-legend 'wsh-*.socket' 'wsh-*.slice' | sort
mariadb -NBe "
  SELECT Host, User, JSON_REMOVE(Priv, '$.password_last_changed') FROM mysql.global_priv ORDER BY 1, 2;
  SELECT * FROM mysql.db ORDER BY 1, 2, 3;
  SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA ORDER BY 1;
  SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES ORDER BY 1, 2"
for cert in /var/lib/wsh/tls/*/cert.pem; do openssl x509 -in "$cert" -noout -ext subjectAltName; done
"""


def state(world: World) -> list[str]:
    """What wsh makes on a server, as lines; without what is made anew each time: keys, and times."""
    return world.server.run(["sh", "-c", STATE]).stdout.splitlines()
