"""What was measured: samples, ratios of samples of the same round, tables, files."""
import csv
import os
import statistics
import subprocess
from collections import defaultdict

RESULTS = os.path.join(os.environ["MFA_SCRATCH"], "results")


class Report:
    def __init__(self):
        self.samples = defaultdict(list)  # (topic, case, clients) -> values, one a round
        self.ratios = []
        self.latencies = []

    def add(self, topic, case, clients, value, unit="1/s"):
        values = self.samples[topic, case, clients, unit]
        values.append(value)

    def values(self, topic, case, clients, unit="1/s"):
        return self.samples[topic, case, clients, unit]

    def median(self, topic, case, clients, unit="1/s"):
        return statistics.median(self.values(topic, case, clients, unit))

    def ratio(self, topic, clients, case, against, target=None):
        """Of two cases, round by round: both are measured in each, one behind the other. By processor time
        as well, which what else the machine does disturbs less."""
        pairs = list(zip(self.values(topic, case, clients), self.values(topic, against, clients)))
        by_cpu = (self.median(topic, against, clients, "µs") or 1) / (
            self.median(topic, case, clients, "µs") or 1)
        self._keep(topic, clients, case, against, [a / b for a, b in pairs], by_cpu, target)

    def ratio_of_clients(self, topic, case, many, few):
        pairs = zip(self.values(topic, case, many), self.values(topic, case, few))
        self._keep(topic, many, case, f"the same, {few} clients", [a / b for a, b in pairs], None,
                   None)

    def _keep(self, topic, clients, case, against, ratios, by_cpu, target):
        self.ratios.append((topic, clients, case, against, statistics.median(ratios), min(ratios),
                            max(ratios), len(ratios), by_cpu, target))

    def latency(self, pattern, milliseconds, targets=(None, None)):
        ordered = sorted(milliseconds)
        at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]
        self.latencies.append((pattern, len(ordered), at(0.5), at(0.9), at(0.99), ordered[-1],
                               *targets))

    def print_rates(self, topic):
        print(f"\n{topic:42}{'clients':>8}{'a second':>11}{'lowest':>10}{'highest':>10}"
              f"{'rounds':>8}{'CPU µs':>9}")
        for (of, case, clients, unit), values in self.samples.items():
            if of != topic or unit != "1/s":
                continue
            cpu = self.values(topic, case, clients, "µs")
            print(f"{case:42}{clients:8}{statistics.median(values):11,.0f}{min(values):10,.0f}"
                  f"{max(values):10,.0f}{len(values):8}"
                  f"{f'{statistics.median(cpu):9.1f}' if cpu else '':>9}")

    def print_ratios(self, topic):
        print(f"\n{'ratio':42}{'against':34}{'clients':>8}{'median':>8}{'lowest':>8}{'highest':>8}"
              f"{'by CPU':>8}{'wanted':>8}")
        for of, clients, case, against, median, least, most, _, by_cpu, target in self.ratios:
            if of == topic:
                wanted = f"{target:.2f}" if target else ""
                missed = "  not met" if target and median < target else ""
                print(f"{case:42}{against:34}{clients:8}{median:8.2f}{least:8.2f}{most:8.2f}"
                      f"{f'{by_cpu:.2f}' if by_cpu else '':>8}{wanted:>8}{missed}")

    def print_latencies(self):
        print(f"\n{'commit to arrival, ms':42}{'n':>8}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}"
              f"{'wanted p50':>12}{'p99':>7}")
        for pattern, n, p50, p90, p99, most, want50, want99 in self.latencies:
            missed = "  not met" if want50 and (p50 >= want50 or p99 >= want99) else ""
            wanted = f"{want50:12}{want99:7}" if want50 else ""
            print(f"{pattern:42}{n:8}{p50:9.2f}{p90:9.2f}{p99:9.2f}{most:9.2f}{wanted}{missed}")

    def write(self):
        os.makedirs(RESULTS, exist_ok=True)

        def table(name, columns, rows):
            with open(os.path.join(RESULTS, name), "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([columns, *rows])

        table("samples.csv", ["topic", "case", "clients", "unit", "round", "value"],
              [(*key, n, f"{value:.3f}") for key, values in self.samples.items()
               for n, value in enumerate(values, 1)])
        table("ratios.csv", ["topic", "clients", "case", "against", "median", "lowest", "highest",
                             "rounds", "by CPU", "wanted"], self.ratios)
        table("latency.csv", ["pattern", "n", "p50", "p90", "p99", "max", "wanted p50",
                              "wanted p99"], self.latencies)


def _gnuplot(name, commands, height=600):
    path = os.path.join(RESULTS, name)
    script = f"""set terminal pngcairo noenhanced size 1100,{height} font 'Sans,11'
set output '{path}'
set datafile separator '\\t'
set style fill solid 0.7
set grid ytics
{commands}"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True, timeout=60)


def plot(report):
    """Pictures of the ratios and the latencies, for documents."""
    if report.ratios:
        rows = "\n".join(f"{case} / {against} ({clients})\t{median}\t{least}\t{most}\t{target or 'NaN'}"
                         for _, clients, case, against, median, least, most, _, _, target in
                         report.ratios)
        _gnuplot("ratios.png", f"""$data << END
{rows}
END
set title 'ratios measured in one run: median, lowest and highest round'
set xtics font ',8'
set xrange [0:*]
set grid xtics
set lmargin 62
set ytics font ',8'
set yrange [-1:{len(report.ratios)}] reverse
plot $data using 2:0:3:4:ytic(1) with xerrorbars pointtype 5 title 'measured', \\
     $data using 5:0 with points pointtype 2 title 'wanted'
""", 120 + 20 * len(report.ratios))
    if report.latencies:
        rows = "\n".join(f"{row[0]}\t{row[2]}\t{row[4]}" for row in report.latencies)
        _gnuplot("latency.png", f"""$data << END
{rows}
END
set title 'commit to arrival at the provider, ms'
set logscale y
set style data histogram
set style histogram clustered
set xtics rotate by -15
plot $data using 2:xtic(1) title 'p50', $data using 3 title 'p99'
""")
