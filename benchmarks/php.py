"""The first request to an account's PHP after a rest, and the next ones beside Debian's own FPM."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .figures import Figure, figure
from .server import Bench, names

_PLAIN = """\
<VirtualHost *:443>
  ServerName plain.test
  DocumentRoot /srv/plain
  SSLEngine on
  SSLCertificateFile /var/lib/wsh/tls/default/cert.pem
  SSLCertificateKeyFile /var/lib/wsh/tls/default/key.pem
  <Directory /srv/plain>
    Require all granted
    <FilesMatch "\\.php$">
      SetHandler "proxy:unix:/run/php/plain.sock|fcgi://plain"
    </FilesMatch>
  </Directory>
</VirtualHost>
"""
_POOL = """\
[global]
error_log = /dev/null
[plain]
user = www-data
group = www-data
listen = /run/php/plain.sock
listen.owner = www-data
pm = ondemand
pm.max_children = 10
"""
_CLIENT = """\
import http.client, json, ssl, sys, time, subprocess, statistics
context = ssl._create_unverified_context()
class Connection(http.client.HTTPSConnection):
    def connect(self):
        import socket
        self.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", 443)), server_hostname=self.host)
host, runs, before = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
found, connection = [], Connection(host)
for n in range(runs + 1):
    if before:
        subprocess.run(before, check=True)
    began = time.perf_counter()
    connection.request("GET", "/bench.php")
    answer = connection.getresponse()
    body = answer.read()
    found.append(time.perf_counter() - began)
    assert (answer.status, body) == (200, b"ok"), (answer.status, body)
print(json.dumps(found[1:]))
"""


def measure(bench: Bench, count: int) -> Iterator[Figure]:
    """Cold and warm, with so many accounts' sockets listening."""
    server, name = bench.server, names(1)[0]
    server.run(["mkdir", "-p", "/srv/plain"])
    server.write("/srv/plain/bench.php", b"<?php echo 'ok';")
    server.write("/etc/apache2/wsh/sites/plain.conf", _PLAIN.encode())
    server.write("/root/plain-fpm.conf", _POOL.encode())
    server.write("/root/client.py", _CLIENT.encode())
    server.run(["mkdir", "-p", "/run/php"])
    server.run(
        [
            "systemd-run",
            "--quiet",
            "--collect",
            "--unit=plain-fpm",
            "php-fpm8.4",
            "--nodaemonize",
            "--fpm-config",
            "/root/plain-fpm.conf",
        ],
        check=False,
    )
    server.run(["systemctl", "reload", "apache2"])
    place = f"/home/{name}/sites/two/app/bench.php"
    server.run(["sh", "-c", f"printf \"<?php echo 'ok';\" > {place}; chown {name}:{name} {place}; chmod 0640 {place}"])
    uid = server.run(["id", "-u", name]).stdout.strip()
    site = f"two.{name}.test"
    plain = _client(bench, "plain.test", 200)
    warm = _client(bench, site, 200)
    cold = _client(bench, site, 15, "systemctl", "stop", f"wsh-php84-{uid}.service")
    server.run(["sh", "-c", "rm /etc/apache2/wsh/sites/plain.conf; systemctl reload apache2; systemctl stop plain-fpm"])
    baseline = "plain FPM, warm"
    yield figure(f"php-cold-{count}", cold, (baseline, plain), most=0.25)
    yield figure(f"php-warm-{count}", warm, (baseline, plain), ratio=1.1)


def _client(bench: Bench, host: str, runs: int, *before: str) -> list[float]:
    return list(json.loads(bench.server.run(["python3", "/root/client.py", host, str(runs), *before]).stdout))
