"""The throw-away server, its databases, and what its processes cost."""
import os
import subprocess
import time

CLUSTER = os.path.join(os.environ["MFA_SCRATCH"], "cluster")
TICKS = os.sysconf("SC_CLK_TCK")

# Sends of one code are counted in two windows each for database and destination, as by default, but
# never refused.
SETTINGS = {
    "mfa.provider": "gateway",
    "mfa.send_limit_database": "10000000/1h, 10000000/1d",
    "mfa.send_limit_destination": "10000000/1h, 10000000/1d",
    # It works, but nobody verifies what the delivery sends, which no guard would let pass.
    "mfa.fraud_guard": "monitor",
}


def psql(database, statements):
    """Runs SQL as superuser; the rows of the last statement as lists of strings."""
    done = subprocess.run(
        ["psql", "-X", "-A", "-t", "-q", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database],
        input=statements, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"psql: {done.stderr}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def value(database, query):
    return psql(database, query)[0][0]


def restart(**settings):
    """Restarts the server with these settings on top of those that it was made with."""
    with open(os.path.join(CLUSTER, "postgresql.auto.conf"), "w", encoding="ascii") as file:
        for name, setting in settings.items():
            file.write(f"{name.replace('__', '.')} = '{setting}'\n")
    subprocess.run(["pg_ctl", "-D", CLUSTER, "-w", "-s", "-m", "fast", "-l",
                    os.path.join(os.environ["MFA_SCRATCH"], "log", "server.log"), "restart"],
                   check=True, timeout=120)


def hold_workers():
    """Restarts it so that messages stay queued: the launcher has the only slot for a process."""
    restart(max_worker_processes=1, max_logical_replication_workers=0, max_locks_per_transaction=512)


def create_database(name, url):
    """A database with mfa, whose provider is the gateway at `url`."""
    psql("postgres", f"CREATE DATABASE {name}")
    psql(name, "CREATE EXTENSION mfa;" + "".join(
        f"ALTER DATABASE {name} SET {setting} = '{to}';" for setting, to in SETTINGS.items()))
    create_provider(name, "gateway", url)


def create_provider(database, name, url, **options):
    given = "".join(f", {option} '{to}'" for option, to in options.items())
    psql(database, f"""
        CREATE SERVER {name} FOREIGN DATA WRAPPER mfa_signalwire
            OPTIONS (base_url '{url}', sender '+15550100000', state_lookup 'off'{given});
        CREATE USER MAPPING FOR PUBLIC SERVER {name} OPTIONS (project_id 'p', api_token 't');""")


def postmaster():
    with open(os.path.join(CLUSTER, "postmaster.pid"), encoding="ascii") as file:
        return int(file.readline())


def _times(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return [int(field) / TICKS for field in file.read().rpartition(")")[2].split()[11:15]]


def cpu(pid):
    """Seconds of processor time that the process has used."""
    return sum(_times(pid)[:2])


def cpu_of_ended_backends():
    return sum(_times(postmaster())[2:])


def wait_for(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


def _has_backend(database):
    title = f"postgres: {os.environ['PGUSER']} {database} "
    pid = postmaster()
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        for child in file.read().split():
            try:
                with open(f"/proc/{child}/cmdline", encoding="utf-8") as line:
                    name = line.read()
            except OSError:
                continue
            if not name or name.startswith(title): # without one: ended, but not yet reaped
                return True
    return False


def wait_for_backends(database):
    """Until the database's sessions have ended, and the postmaster has their times."""
    wait_for(lambda: not _has_backend(database), "sessions to end")


def worker_pid(database):
    rows = psql("postgres", f"""SELECT pid FROM pg_stat_activity
        WHERE backend_type = 'mfa delivery worker' AND datname = '{database}'""")
    return int(rows[0][0]) if rows else None


def stop():
    subprocess.run(["pg_ctl", "-D", CLUSTER, "-w", "-s", "-m", "fast", "stop"], check=True, timeout=120)
