"""The store at ten million reports: rate of ingest beside an empty one, and what queries take.

usage: ./dev bench growth [REPORTS [DATA]]

DATA is a folder that `werload fill` filled before; without it one is filled, which takes a quarter of
an hour for ten million.  The reports that the measurement adds stay in it.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import time

import common

reports = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
folder = common.scratch("growth")
full = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else folder / "full"
record = common.Record("growth", f"A store of {reports:,} reports beside an empty one")
record.row("disk", fdatasync_ms=common.fsync_ms(folder))

ROUNDS, SECONDS = 5, 8
TRIES = 5


def size(what):
    return sum(f.stat().st_size for f in (full / what).rglob("*") if f.is_file())


def fill():
    start = time.monotonic()
    subprocess.run([common.RELEASE / "werload", "fill", "--data", full, "--reports", str(reports)], check=True)
    seconds = time.monotonic() - start
    record.row("fill", seconds=seconds, gb=(size("facts") + size("derived")) / 1e9)


def describe():
    record.row("bytes for each report", facts=size("facts") / reports, derived=size("derived") / reports)


def rate(name, connections, data=None):
    with common.Werd(folder / name, role="ingest", data=data) as werd:
        url = f"http://127.0.0.1:{werd.port}/stage2.htm"
        return common.measure(werd, url, script, connections, SECONDS)["per_second"]


def compare_rates(connections):
    """In turn, the one that is first changing, so that neither always meets the other's pages."""
    ratios, empty, grown = [], [], []
    for i in range(ROUNDS):
        name = f"{connections}-{i}"
        if i % 2:
            grown.append(rate(f"grown-{name}", connections, full))
        empty.append(rate(f"empty-{name}", connections))
        if not i % 2:
            grown.append(rate(f"grown-{name}", connections, full))
        ratios.append(grown[-1] / empty[-1])
    record.row(f"ingest, {connections} connections, median of {ROUNDS} turns",
               empty_per_second=statistics.median(empty), grown_per_second=statistics.median(grown),
               of_empty=statistics.median(ratios))


class Reader:
    """Whole runs of werctl, as at a prompt: start, open, query, print."""

    def __init__(self):
        self.config = folder / "reader.yaml"
        self.config.write_text(json.dumps({"data": str(full)}))

    def run(self, *words):
        return subprocess.run([common.RELEASE / "werctl", "-c", self.config, *words], check=True,
                              text=True, capture_output=True).stdout

    def time(self, *words):
        times = []
        for _ in range(TRIES):
            start = time.monotonic()
            out = self.run(*words, "--json")
            times.append((time.monotonic() - start) * 1000)
        record.row(f"werctl {' '.join(words)}", first_ms=times[0], median_ms=statistics.median(times),
                   lines=out.count("\n"))


def query(reader):
    """Every filter, with values that the fleet has: a common one, a pattern, one that nothing has."""
    newest = [json.loads(line) for line in reader.run("reports", "--limit", "1000", "--json").splitlines()]
    crash = next(r for r in newest if r["code"] and r["module"])
    week = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 7 * 86400))
    filters = [
        (), ("--since", week), ("--until", week), ("--event", "APPCRASH"), ("--event", "BlueScreen"),
        ("--app", crash["app"]), ("--app", "ex*"), ("--module", crash["module"]), ("--module", "*32.dll"),
        ("--machine", crash["machine"]), ("--machine", "*-1*"), ("--machine", "nobody"),
        ("--user", crash["user"]), ("--user", "*ma*"), ("--bucket", str(crash["bucket"])),
        ("--code", crash["code"]), ("--event", "APPCRASH", "--module", crash["module"], "--since", week),
        ("--text", crash["app"]), ("--text", "AppData"), ("--text", "nowhere in any report"),
    ]
    for command in ("reports", "buckets"):
        for words in filters:
            reader.time(command, *words)
    for order in ("machines", "first", "last"):
        reader.time("buckets", "--sort", order)
    reader.time("report", crash["id"])


if len(sys.argv) <= 2:
    fill()
describe()
query(Reader())
script = common.bodies(folder)
for connections in (32, 128):
    compare_rates(connections)
record.note("Queries are whole runs of werctl on a warm page cache but for the first; the limit is 50 rows.")
record.save()
