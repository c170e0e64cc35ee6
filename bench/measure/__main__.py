"""Runs the topics that are named; bench/run has made the server that they are measured on."""
import argparse
import os
import shutil
import signal
import subprocess

import delivery
import growth
import latency
import report
import server
import sql

TOPICS = {"sql": sql, "delivery": delivery, "latency": latency, "growth": growth}
# How many seconds each may go on making rounds; setting up comes on top.
SECONDS = {"sql": 200, "delivery": 60, "latency": 100, "growth": 60}
QUICK_SECONDS = {"sql": 30, "delivery": 10, "latency": 25, "growth": 15}


class Bench:
    def __init__(self, quick):
        self.quick = quick
        self.rounds = 3 if quick else 7
        self.report = report.Report()
        self.scratch = os.environ["MFA_SCRATCH"]
        self.gateway, self.url = self.start_gateway("gateway.port")

    def seconds(self, topic):
        return (QUICK_SECONDS if self.quick else SECONDS)[topic]

    def start_gateway(self, port_file, *certificate):
        """A fast provider; its process and its address."""
        path = os.path.join(self.scratch, port_file)
        process = subprocess.Popen([os.path.join(self.scratch, "gateway"), path, *certificate])
        server.wait_for(lambda: os.path.exists(path), "the gateway")
        with open(path, encoding="ascii") as file:
            port = int(file.read())
        return process, f"http{'s' if certificate else ''}://127.0.0.1:{port}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--plot", action="store_true")
    parser.add_argument("topics", nargs="*")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: exit(143))
    bench = Bench(arguments.quick)
    try:
        for name in arguments.topics or TOPICS:
            TOPICS[name].run(bench)
        bench.report.write()
        if arguments.plot or shutil.which("gnuplot"):
            report.plot(bench.report)
    finally:
        bench.gateway.terminate()


main()
