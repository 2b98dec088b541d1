"""MariaDB's client and kinds against a real server: a private one, on a scratch data directory and socket."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsh_core.agent.errors import AgentError
from wsh_core.agent.host import Host
from wsh_core.agent.kinds.database import RIGHTS
from wsh_core.agent.mariadb import Client, grant_target, identifier, pattern, string
from wsh_core.agent.safefs import Root

from .conftest import Agent, outcomes, request, resource

machine = pytest.mark.needs_machine("mariadb-server")
SOCKET = "run/mysqld/mysqld.sock"


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """The tree of a running MariaDB, whose socket stands in it where Debian has it; open to other users."""
    if os.geteuid() or not shutil.which("mariadbd"):
        pytest.skip("needs root and MariaDB: apt-get install mariadb-server")
    with tempfile.TemporaryDirectory(prefix="wsh-mariadb-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        (root / SOCKET).parent.mkdir(parents=True)
        subprocess.run(
            [
                "mariadb-install-db",
                "--no-defaults",
                "--user=root",
                f"--datadir={root}/data",
                "--skip-test-db",
                "--auth-root-authentication-method=socket",
            ],
            check=True,
            capture_output=True,
        )
        with (root / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    "mariadbd",
                    "--no-defaults",
                    "--user=root",
                    f"--datadir={root}/data",
                    f"--socket={root / SOCKET}",
                    "--skip-networking",
                    "--innodb-flush-log-at-trx-commit=0",
                ],
                stdout=log,
                stderr=log,
            )
        try:
            wait_for(root / SOCKET, process, root / "log")
            yield root
        finally:
            process.terminate()
            process.wait(60)


def wait_for(path: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if path.exists():
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    pytest.fail(log.read_text())


@pytest.fixture
def client(server: Path) -> Iterator[Client]:
    client = client_at(server)
    yield client
    for (name,) in client.query("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA"):
        if name and name not in {"information_schema", "mysql", "performance_schema", "sys"}:
            client.query(f"DROP DATABASE {identifier(name)}")
    for host, user in client.query("SELECT Host, User FROM mysql.global_priv"):
        if user not in {"root", "mariadb.sys"}:
            who = f"USER {string(user or '')}@{string(host)}" if host else f"ROLE {user}"
            client.query(f"DROP {who}")
    client.close()


def client_at(root: Path) -> Client:
    return Client(cast("Host", SimpleNamespace(fs=Root(str(root)))))


def as_nobody(server: Path, user: str, sql: str, password: str = "") -> str:
    """What MariaDB's own client says to the Unix user ``nobody`` who logs in as ``user``."""
    done = subprocess.run(
        [
            "setpriv",
            "--reuid=nobody",
            "--clear-groups",
            "mariadb",
            "--no-defaults",
            f"--socket={server / SOCKET}",
            f"--user={user}",
            "--batch",
            "-N",
            "-e",
            sql,
        ],
        env={**os.environ, "MYSQL_PWD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


# the client


@machine
def test_values_come_back_as_they_are(client: Client) -> None:
    hostile = "tab\tline\nquote'back\\slash`NULL"
    assert client.query(f"SELECT NULL, 'NULL', '', {string(hostile)}") == [(None, "NULL", "", hostile)]


@machine
def test_long_values_and_rows_beyond_one_packet(client: Client) -> None:
    sizes = (250, 251, 65535, 65536, 9_000_000)
    (row,) = client.query("SELECT " + ", ".join(f"REPEAT('x', {n})" for n in (*sizes, sizes[-1])))
    assert [len(value or "") for value in row] == [*sizes, sizes[-1]]
    assert client.query(f"SELECT LENGTH({string('y' * 5_000_000)})") == [("5000000",)]


@machine
def test_a_refused_statement_is_told_in_the_servers_words_and_ends_the_batch(client: Client) -> None:
    with pytest.raises(AgentError) as caught:
        client.execute(["CREATE DATABASE one", "CREATE DATABASE", "CREATE DATABASE two"])
    assert caught.value.code == "database.statement"
    assert (caught.value.detail or "").startswith("ERROR 1064 (42000): You have an error in your SQL syntax")
    assert client.query("SHOW DATABASES LIKE 'one'") == [("one",)]
    assert client.query("SHOW DATABASES LIKE 'two'") == []


@machine
def test_two_statements_in_one_are_refused(client: Client) -> None:
    with pytest.raises(AgentError, match="refused"):
        client.query("SELECT 1; DROP DATABASE mysql")


@machine
def test_an_error_in_the_midst_of_an_answer(client: Client) -> None:
    with pytest.raises(AgentError) as caught:
        client.query("SELECT IF(s.seq < 3, 0, (SELECT s.seq FROM mysql.seq_1_to_2)) FROM mysql.seq_1_to_10 s")
    assert "1242" in (caught.value.detail or "")
    assert client.query("SELECT 1") == [("1",)]


@pytest.mark.parametrize("left_behind", [False, True])
def test_a_stopped_server_is_named_with_the_remedy(tmp_path: Path, left_behind: bool) -> None:
    (tmp_path / SOCKET).parent.mkdir(parents=True)
    if left_behind:
        with socket.socket(socket.AF_UNIX) as killed:
            killed.bind(str(tmp_path / SOCKET))
    with pytest.raises(AgentError) as caught:
        client_at(tmp_path).query("SELECT 1")
    assert caught.value.code == "database.unreachable"
    assert "systemctl start mariadb" in (caught.value.hint or "")


@pytest.mark.parametrize("answer", [b"", b"\x01\x00", b"\x00\x00\x00\x00", b"\x05\x00\x00\x00\xff\x10\x04no"])
def test_a_server_that_answers_nonsense(tmp_path: Path, answer: bytes) -> None:
    (tmp_path / SOCKET).parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / SOCKET))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(AgentError) as caught:
            client_at(tmp_path).query("SELECT 1")
        thread.join()
    assert caught.value.code == "database.unreachable"


# quoting

letters = st.characters(min_codepoint=1, max_codepoint=0xFFFF, exclude_categories=["Cs"])
names = st.text(letters, min_size=1, max_size=64)


@given(st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"])))
def test_a_string_is_read_back_by_mariadbs_rules(text: str) -> None:
    literal = string(text)
    assert literal[0] == literal[-1] == "'"
    assert re.fullmatch(r"(?:[^'\\]|''|\\\\)*", literal[1:-1], re.DOTALL)
    assert literal[1:-1].replace("''", "'").replace("\\\\", "\\") == text


@given(names)
def test_a_name_is_read_back_by_mariadbs_rules(name: str) -> None:
    quoted = identifier(name)
    assert re.fullmatch(r"`(?:[^`]|``)+`", quoted, re.DOTALL)
    assert quoted[1:-1].replace("``", "`") == name


@given(names, names)
def test_a_pattern_matches_its_database_alone(name: str, other: str) -> None:
    assert like(pattern(name), name)
    assert like(pattern(name), other) == (name == other)


@pytest.mark.parametrize("name", ["", "x" * 65, "a\0b", "\U0001f600"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        identifier(name)
    with pytest.raises(ValueError, match="is no name"):
        grant_target(name)


def test_nul_in_a_string_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        string("a\0b")


def like(pattern_: str, text: str) -> bool:
    """LIKE, written anew: ``\\`` takes the next character as it is, ``_`` is any one, ``%`` any number."""
    tokens = re.findall(r"\\.|.", pattern_, re.DOTALL)
    words = {"_": ".", "%": ".*"}
    expression = "".join(words.get(token) or re.escape(token[-1]) for token in tokens)
    return re.fullmatch(expression, text, re.DOTALL) is not None


@machine
def test_hostile_strings_and_names_through_the_real_server(client: Client) -> None:
    for text in ("'", "\\", "\\'", "a''b", "`", "x`; DROP DATABASE mysql; -- ", "%_", "\u20ac", "\U0001f600"):
        assert client.query(f"SELECT {string(text)}") == [(text,)]
    for name in ("a`b", "a'b", "a\\b", "a_b%c", "\u00e9\u20ac", "a;b"):
        client.query(f"CREATE DATABASE {identifier(name)}")
        assert (name,) in client.query("SHOW DATABASES")
        client.query("CREATE USER IF NOT EXISTS tester")
        client.query(f"GRANT SELECT ON {grant_target(name)} TO tester")
        assert (pattern(name),) in client.query("SELECT Db FROM mysql.db")


# the kinds


@pytest.fixture
def db(agent: Agent, server: Path, client: Client) -> Client:
    """The agent's tree has the server's socket; the client looks at what the agent did, and spoils it."""
    agent.path(SOCKET).parent.mkdir(parents=True)
    os.link(server / SOCKET, agent.path(SOCKET))
    return client


def wanted(account: str = "alice", databases: tuple[str, ...] = ("alice_blog",)) -> dict[str, Any]:
    """The user and databases of one account, as a request."""
    user = {"name": account, "max_connections": 20, "databases": list(databases)}
    defaults = {"charset": "utf8mb4", "collation": "utf8mb4_unicode_ci"}
    return request(
        resources=[
            resource(f"database-user:{account}", account, **user),
            *(resource(f"database:{name}", account, name=name, **defaults) for name in databases),
        ]
    )


def grants(client: Client, name: str = "alice") -> list[str]:
    """As MariaDB shows them; before 11.3, which has one right more, those of wsh are all that there are."""
    rows = client.query(f"SHOW GRANTS FOR {name}@localhost")
    return sorted((row[0] or "").replace("ALL PRIVILEGES", ", ".join(RIGHTS)) for row in rows)


USER = (
    "GRANT USAGE ON *.* TO `alice`@`localhost` IDENTIFIED VIA unix_socket OR mysql_native_password"
    " USING 'invalid' WITH MAX_USER_CONNECTIONS 20"
)
BLOG = f"GRANT {', '.join(RIGHTS)} ON `alice\\_blog`.* TO `alice`@`localhost`"


@machine
def test_user_and_database_are_made_and_are_then_as_wanted(agent: Agent, db: Client) -> None:
    both = ("database:alice_blog", "database-user:alice")
    assert outcomes(agent.plan(wanted())) == dict.fromkeys(both, "planned")
    assert db.query("SHOW DATABASES LIKE 'alice%'") == []
    assert outcomes(agent.apply(wanted())) == dict.fromkeys(both, "changed")
    assert grants(db) == [BLOG, USER]
    assert db.query("SHOW CREATE DATABASE alice_blog")[0][1] == (
        "CREATE DATABASE `alice_blog` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci */"
    )
    again = agent.apply(wanted())
    assert outcomes(again) == {}
    assert again[-1]["processes"] == 0


DRIFT = {
    "a right on everything": ["GRANT PROCESS ON *.* TO alice@localhost"],
    "a right on another database": ["GRANT SELECT ON `bob\\_blog`.* TO alice@localhost"],
    "a pattern that matches more": [f"GRANT {', '.join(RIGHTS)} ON `alice_blog`.* TO alice@localhost"],
    "the right to pass rights on": ["GRANT SELECT ON `alice\\_blog`.* TO alice@localhost WITH GRANT OPTION"],
    "a right fewer": ["REVOKE DROP ON `alice\\_blog`.* FROM alice@localhost"],
    "no rights": ["REVOKE ALL ON `alice\\_blog`.* FROM alice@localhost"],
    "a right on a table": ["GRANT SELECT ON mysql.global_priv TO alice@localhost"],
    "a right on a column": ["GRANT SELECT(User) ON mysql.proxies_priv TO alice@localhost"],
    "a right on a routine": ["GRANT EXECUTE ON PROCEDURE mysql.AddGeometryColumn TO alice@localhost"],
    "a role": ["CREATE ROLE staff", "GRANT staff TO alice@localhost WITH ADMIN OPTION"],
    "another's identity": ["GRANT PROXY ON root@localhost TO alice@localhost"],
    "a password": [
        ("ALTER USER alice@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('x')")
    ],
    "another Unix user": ["ALTER USER alice@localhost IDENTIFIED VIA unix_socket USING 'nobody'"],
    "no password at all": ["ALTER USER alice@localhost IDENTIFIED BY ''"],
    "another limit": ["ALTER USER alice@localhost WITH MAX_USER_CONNECTIONS 99 MAX_QUERIES_PER_HOUR 7"],
    "an encryption that sockets have not": ["ALTER USER alice@localhost REQUIRE SSL"],
    "a lock": ["ALTER USER alice@localhost ACCOUNT LOCK"],
    "a login from everywhere": ["CREATE USER alice", "GRANT SELECT ON mysql.* TO alice"],
    "a right for everywhere, without user": [
        ("INSERT INTO mysql.db (Host, Db, User, Select_priv) VALUES ('%', 'mysql', 'alice', 'Y')"),
        "FLUSH PRIVILEGES",
    ],
    "no user": ["DROP USER alice@localhost"],
}


@machine
@pytest.mark.parametrize("drift", DRIFT)
def test_what_differs_is_seen_and_mended(agent: Agent, db: Client, drift: str) -> None:
    agent.apply(wanted())
    try:
        db.execute(DRIFT[drift])
        planned = agent.plan(wanted())
        assert outcomes(planned) == {"database-user:alice": "planned"}
        assert "PASSWORD" not in str(planned)
        assert "*B69" not in str(planned)
        assert outcomes(agent.apply(wanted())) == {"database-user:alice": "changed"}
        assert grants(db) == [BLOG, USER]
        assert db.query("SELECT Host FROM mysql.global_priv WHERE User='alice'") == [("localhost",)]
        assert db.query("SELECT COUNT(*) FROM mysql.db WHERE User='alice'") == [("1",)]
        assert outcomes(agent.plan(wanted())) == {}
    finally:
        db.execute(["DROP USER IF EXISTS alice", "DROP ROLE IF EXISTS staff"])


@machine
def test_a_database_with_other_defaults_is_altered_and_keeps_its_tables(agent: Agent, db: Client) -> None:
    agent.apply(wanted())
    db.execute(
        [
            "CREATE TABLE alice_blog.t (a INT)",
            "INSERT INTO alice_blog.t VALUES (7)",
            "ALTER DATABASE alice_blog CHARACTER SET latin1",
        ]
    )
    assert outcomes(agent.apply(wanted())) == {"database:alice_blog": "changed"}
    assert db.query("SELECT a FROM alice_blog.t") == [("7",)]
    assert outcomes(agent.plan(wanted())) == {}


@machine
def test_rights_on_a_database_that_left_the_description_stay_as_long_as_it(agent: Agent, db: Client) -> None:
    agent.apply(wanted(databases=("alice_blog", "alice_old")))
    before = grants(db)
    fewer = agent.apply(wanted())
    assert outcomes(fewer) == {"database:alice_old": "refused"}
    db.query("GRANT PROCESS ON *.* TO alice@localhost")
    agent.apply(wanted())
    assert grants(db) == before


@machine
def test_a_user_that_is_not_wshs_is_left_alone(agent: Agent, db: Client) -> None:
    db.query("CREATE USER alice@localhost IDENTIFIED BY 'mine'")
    before = grants(db)
    assert outcomes(agent.apply(wanted()))["database-user:alice"] == "conflict"
    assert grants(db) == before


NAMES_OF_OTHERS = ["mysql", "bob_b", "_b", "alice", "alice_", "alice_x`y", "alicex_y", "alice_" + "x" * 48]


@machine
@pytest.mark.parametrize("name", NAMES_OF_OTHERS)
def test_a_database_of_another_name_is_refused(agent: Agent, db: Client, name: str) -> None:
    agent.apply(request(resources=[]))
    events = agent.apply(
        request(
            resources=[resource(f"database:{name}", "alice", name=name, charset="utf8mb4", collation="utf8mb4_bin")]
        )
    )
    assert outcomes(events) in ({f"database:{name}": "failed"}, {f"database:{name}": "conflict"})
    assert db.query("SHOW DATABASES LIKE '%\\_%'") == [("information_schema",), ("performance_schema",)]


@machine
def test_a_user_of_another_name_is_refused(agent: Agent, db: Client) -> None:
    events = agent.apply(
        request(resources=[resource("database-user:bob", "alice", name="bob", max_connections=20, databases=[])])
    )
    assert outcomes(events) == {"database-user:bob": "failed"}
    assert db.query("SELECT User FROM mysql.global_priv WHERE User='bob'") == []


@machine
def test_a_stopped_mariadb_fails_each_account_and_says_how_to_start_it(agent: Agent) -> None:
    both = wanted()
    both["resources"] += wanted("bob", ("bob_blog",))["resources"]
    events = agent.apply(both)
    assert events[-1]["accounts"] == {"alice": "failed", "bob": "failed"}
    errors = [e["error"] for e in events if e["type"] == "resource"]
    assert {e["code"] for e in errors} == {"database.unreachable"}
    assert all("systemctl start mariadb" in e["hint"] for e in errors)


@machine
def test_neighbours_whose_names_match_as_patterns_stay_invisible(agent: Agent, db: Client, server: Path) -> None:
    """The account u1 with ``u1_a_b``, and u1xa with ``u1xa_b``; then the same with the defence removed."""
    for account, database in (("u1", "u1_a_b"), ("u1xa", "u1xa_b")):
        agent.apply(wanted(account, (database,)))
    db.execute(["CREATE TABLE u1xa_b.t (a TEXT)", "INSERT INTO u1xa_b.t VALUES ('SECRET')"])

    def as_u1(sql: str) -> str:
        db.query("ALTER USER u1@localhost IDENTIFIED BY 'x'")  # no Unix user u1 here
        return as_nobody(server, "u1", sql, "x")

    assert as_u1("SHOW DATABASES").split() == ["information_schema", "u1_a_b"]
    assert "ERROR 1142" in (refused := as_u1("SELECT a FROM u1xa_b.t"))
    assert "SECRET" not in refused
    db.query("GRANT SELECT ON `u1_a_b`.* TO u1@localhost")  # the control: the same name, not escaped
    assert "u1xa_b" in as_u1("SHOW DATABASES").split()
    assert as_u1("SELECT a FROM u1xa_b.t") == "SECRET\n"
    agent.apply(wanted("u1", ("u1_a_b",)))
    assert "SECRET" not in as_u1("SELECT a FROM u1xa_b.t")


@machine
def test_a_unix_user_logs_in_as_itself_alone(agent: Agent, db: Client, server: Path) -> None:
    agent.apply(wanted())
    db.query("RENAME USER alice@localhost TO nobody@localhost")
    assert as_nobody(server, "nobody", "SELECT CURRENT_USER()") == "nobody@localhost\n"
    agent.apply(wanted())
    for other in ("alice", "root"):
        assert "ERROR 1698 (28000): Access denied" in as_nobody(server, other, "SELECT 1")
        assert "(28000): Access denied" in as_nobody(server, other, "SELECT 1", "invalid")
