"""Day one: the fleet's machines release what they had queued, each report on a new TLS connection.

100,000 machines with 50 reports each within 15 minutes are 5,556 connections a second.  Two cores that
also play the fleet do not hold that; so the time is stretched to what they hold, and a second release
asks for more than that, to see what is put off.

usage: ./dev bench day_one [MACHINES [QUEUED]]
"""
import json
import sys
import time

import common

machines = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
queued = int(sys.argv[2]) if len(sys.argv) > 2 else 50
folder = common.scratch("day_one")
certificate = common.openwer.make_certificate(folder)
record = common.Record("day_one", f"{machines:,} machines release {queued} reports each over TLS")
record.row("disk", fdatasync_ms=common.fsync_ms(folder))


def load(werd, count, *words, connections=128, name="acknowledged.list"):
    return common.fleet(werd.tls_port, "--tls", "--insecure", "--connections", connections, "--reports", count,
                        "--acknowledged", folder / name, *words)


def release(werd, count, seconds, **more):
    """COUNT reports of the machines' queues within SECONDS."""
    return load(werd, count, "--shape", "release", "--queued", queued, "--machines", max(count // queued, 1),
                "--rate", max(int(count / seconds), 1), **more)


def derived_lag(werd, count):
    """Seconds until what is shown has all COUNT reports."""
    start = time.monotonic()
    while json.loads(werd.collector.werctl("stats", "--json").stdout)["reports"] < count:
        time.sleep(0.25)
    return time.monotonic() - start


def verify(werd, name):
    done = common.subprocess.run([common.RELEASE / "werload", "verify", "--data", werd.collector.data,
                                  "--acknowledged", folder / name], text=True, capture_output=True)
    return done.returncode == 0


def show(what, result, **more):
    record.row(what, acknowledged=result["acknowledged"], per_second=result["reports_per_second"],
               seconds=result["elapsed_us"] / 1e6, put_off=result["retried"], lost=result["lost"],
               answers=json.dumps(result["statuses"]), p50_ms=result["latency_us"]["p50"] / 1000,
               p99_ms=result["latency_us"]["p99"] / 1000, drain_seconds=result["drain_us"] / 1e6, **more)


with common.Werd(folder / "held", certificate) as werd:
    held = load(werd, 20_000, name="warm.list")["reports_per_second"]
    record.row("held by these cores, which also play the fleet", per_second=held)
    total = machines * queued
    pace = held * 0.85
    stretch = 100_000 * 50 / 900 / pace  # what the whole fleet's release would take
    result = release(werd, total, seconds=total / pace)
    show(f"release, the quarter of an hour stretched {stretch:.1f} times", result,
         derived_lag_seconds=derived_lag(werd, result["acknowledged"] + 20_000),
         all_there=verify(werd, "acknowledged.list"))
    record.row("after the release", memory_mib=common.memory_mib(werd.pids()))

with common.Werd(folder / "over", certificate, ingest={"limits": {"connections": 256}}) as werd:
    count = int(held * 30)
    result = release(werd, count, seconds=15, connections=1000, name="over.list")
    show("twice what they hold for 15 s, 1,000 at a time where 256 are allowed", result,
         derived_lag_seconds=derived_lag(werd, result["acknowledged"]), all_there=verify(werd, "over.list"))
record.note("werload, which plays the fleet on the same two cores, makes a TLS context for each connection "
            "(libcurl does): about a millisecond of CPU for each report, more than the collector needs.")
record.save()
