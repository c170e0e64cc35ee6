"""What the drivers talk to: a server on TCP, a PgBouncer in transaction mode before it, the gateway."""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds for one answer, on a busy machine

sys.path.insert(0, str(ROOT / "test/gateway"))
import harness  # noqa: E402

_SETUP = """
CREATE ROLE app LOGIN PASSWORD :'password';
CREATE EXTENSION mfa;
CREATE SERVER signalwire FOREIGN DATA WRAPPER mfa_signalwire
    OPTIONS (base_url :'gateway', sender '+15550100', state_lookup 'off');
CREATE USER MAPPING FOR PUBLIC SERVER signalwire OPTIONS (project_id :'project', api_token :'token');
ALTER DATABASE shop SET mfa.provider = 'signalwire';
GRANT USAGE ON FOREIGN SERVER signalwire TO app;
GRANT EXECUTE ON FUNCTION mfa_send, mfa_check(text, text, text), mfa_check(uuid, text, text) TO app;
"""

_BOUNCER = """[databases]
shop = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
server_round_robin = 1
default_pool_size = {pool_size}
min_pool_size = {pool_size}
ignore_startup_parameters = extra_float_digits
"""
_POOL_SIZE = 3


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class World:
    """Owns all three processes; they end with the `with` block. Its files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password = secrets.token_hex(16)
        self.server_port = _free_port()
        self.bouncer_port = _free_port()
        self._log_read = 0
        self._gateway: harness.Gateway | None = None
        self._bouncer: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> World:
        try:
            self._gateway = harness.Gateway()
            self._start_server()
            self._start_bouncer()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bouncer:
            self._bouncer.terminate()
            self._bouncer.wait(PATIENCE)
        if (self.folder / "data/postmaster.pid").exists():
            self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")
        if self._gateway:
            self._gateway.stop()

    def _start_server(self) -> None:
        data = self.folder / "data"
        self.run("initdb", "-D", str(data), "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256",
                 "-E", "UTF8", "--locale=C.UTF-8", "-N", "--no-instructions")  # fmt: skip
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.server_port,
            "unix_socket_directories": self.folder,
            "shared_preload_libraries": "mfa",
            "fsync": "off",
        }
        with open(data / "postgresql.conf", "a", encoding="ascii") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.run("pg_ctl", "-D", str(data), "-l", str(self.folder / "server.log"), "-w", "start")
        self.run("createdb", "-h", str(self.folder), "-p", str(self.server_port), "-U", "postgres", "shop")
        assert self._gateway
        self.sql(_SETUP, password=self.password, gateway=f"http://127.0.0.1:{self._gateway.port}",
                 project=harness.PROJECT, token=harness.TOKEN)  # fmt: skip

    def _start_bouncer(self) -> None:
        users = self.folder / "users.txt"
        users.write_text(f'"app" "{self.password}"\n', encoding="ascii")
        users.chmod(0o600)
        config = self.folder / "pgbouncer.ini"
        config.write_text(
            _BOUNCER.format(server=self.server_port, port=self.bouncer_port, users=users, pool_size=_POOL_SIZE),
            encoding="ascii",
        )
        with open(self.folder / "pgbouncer.log", "wb") as log:
            self._bouncer = subprocess.Popen(["/usr/sbin/pgbouncer", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while not self._is_listening(self.bouncer_port):
            if time.monotonic() > deadline or self._bouncer.poll() is not None:
                raise RuntimeError("PgBouncer did not start:\n" + (self.folder / "pgbouncer.log").read_text())
            time.sleep(0.01)

    @staticmethod
    def _is_listening(port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    @staticmethod
    def run(*command: str, **options: object) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, **options)  # type: ignore[call-overload]
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
        return str(done.stdout)

    def sql(self, text: str, role: str = "postgres", database: str = "shop", **variables: str) -> str:
        """As psql prints it; the superuser comes by the socket."""
        given = [argument for name, value in variables.items() for argument in ("-v", f"{name}={value}")]
        return self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-h", str(self.folder),
                        "-p", str(self.server_port), "-U", role, "-d", database, *given, input=text).strip()  # fmt: skip

    def take_errors(self) -> list[str]:
        """The errors in the server's log since the last time."""
        with open(self.folder / "server.log", encoding="utf-8") as log:
            log.seek(self._log_read)
            lines = log.read()
            self._log_read = log.tell()
        return [line for line in lines.splitlines() if "ERROR: " in line]

    def bouncer_switches(self) -> bool:
        """Whether transactions of one client reach several sessions. Until now, some may not have been open."""
        url = self.url(self.bouncer_port)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            pids = self.run("psql", "-XAtq", url, input="SELECT pg_backend_pid();\n" * _POOL_SIZE).split()
            if len(set(pids)) == _POOL_SIZE:
                return True
        return False

    def url(self, port: int, **options: str) -> str:
        query = urllib.parse.urlencode({"sslmode": "disable", **options})
        return f"postgresql://app:{self.password}@127.0.0.1:{port}/shop?{query}"

    def jdbc_url(self, port: int, **options: str) -> str:
        query = urllib.parse.urlencode({"user": "app", "password": self.password, **options})
        return f"jdbc:postgresql://127.0.0.1:{port}/shop?{query}"

    def code_for(self, number: str, count: int = 1) -> str:
        """The code of the newest message to a number, once there are `count` of them."""
        assert self._gateway
        query = urllib.parse.urlencode({"to": number, "count": count, "timeout": int(PATIENCE)})
        url = f"http://127.0.0.1:{self._gateway.port}/_gateway/wait?{query}"
        with urllib.request.urlopen(url, timeout=2 * PATIENCE) as answer:
            text = json.load(answer)["messages"][-1]["text"]
        found = re.search(r": ([0-9]+)$", text)
        assert found, f'no code in "{text}"'
        return found[1]
