"""The drivers: how the example of each is built and started, and how one is talked to."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from world import PATIENCE, ROOT, World

EXAMPLES = ROOT / "examples"

_JARS = ":".join(f"/usr/share/java/{name}.jar" for name in ("HikariCP", "postgresql", "slf4j-api", "slf4j-nop"))


class NotHere(Exception):
    """The driver can't be had on this machine."""


@dataclass
class Driver:
    """`build` makes the program in a folder, and answers the command that starts it."""

    name: str
    build: Callable[[Path], list[str]]
    bouncer_options: dict[str, str] = field(default_factory=dict)  # of the URL, for PgBouncer

    def start(self, world: World, command: list[str], log: Path, through_bouncer: bool) -> Program:
        port = world.bouncer_port if through_bouncer else world.server_port
        options = self.bouncer_options if through_bouncer else {}
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LC_ALL") if name in os.environ}
        environment |= {
            "DATABASE_URL": world.url(port, **options),
            "JDBC_URL": world.jdbc_url(port, **options),
            "NODE_PATH": _DEBIAN_NODE,
        }
        if through_bouncer:
            environment["PGBOUNCER"] = "1"
        return Program(command, environment, log)


class Program:
    """An example that runs: a line in, a line out."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        with open(log, "ab") as errors:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )

    def ask(self, line: str) -> str:
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
            # One line an answer, so none is left in the buffer that select does not know of.
            if select.select([self._process.stdout], [], [], PATIENCE)[0]:
                if answer := self._process.stdout.readline().decode().rstrip("\n"):
                    return answer
        except BrokenPipeError:
            pass
        return f"nothing; it says: {self._log.read_text()}"

    def leave(self) -> int:
        """Ends as its input does; returns its exit status."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.close()
            return self._process.wait(PATIENCE)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            return -1
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()


_DEBIAN_NODE = "/usr/share/nodejs"


def _python(_: Path) -> list[str]:
    return ["/usr/bin/python3", "-B", str(EXAMPLES / "python/login.py")]


def _node(folder: Path) -> list[str]:
    """With Debian's node-pg, or else from npm."""
    if not shutil.which("node"):
        raise NotHere("no node")
    shutil.copy(EXAMPLES / "node/login.js", folder)
    if not Path(_DEBIAN_NODE, "pg").exists():
        npm = ["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=1", "pg@^8.11"]
        (folder / "package.json").write_text("{}\n", encoding="ascii")
        try:
            subprocess.run(npm, cwd=folder, check=True, timeout=2 * PATIENCE, stdout=sys.stderr)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotHere("pg could not be had from npm") from error
    return ["node", str(folder / "login.js")]


def _java(folder: Path) -> list[str]:
    World.run("javac", "-cp", _JARS, "-d", str(folder), str(EXAMPLES / "java/Login.java"))
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{folder}:{_JARS}", "Login"]


def _go(folder: Path) -> list[str]:
    debian = {"GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOCACHE": str(folder / "cache")}
    World.run("go", "build", "-o", str(folder / "login"), str(EXAMPLES / "go/login.go"), env=os.environ | debian)
    return [str(folder / "login")]


DRIVERS = [
    Driver("python", _python),
    Driver("node", _node),
    Driver("java", _java, {"prepareThreshold": "0"}),
    Driver("go", _go, {"binary_parameters": "yes"}),
]
