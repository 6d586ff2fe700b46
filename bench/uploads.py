"""Two-stage exchanges, beside nginx whose WebDAV PUT is made durable by tests/support/durable_rename.c.

nginx answers each report with a path of its own making and keeps no report, so it has the lighter
half.  usage: ./dev bench uploads [SECONDS]
"""
import sys

import common

seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
folder = common.scratch("uploads")
record = common.Record("uploads", "Two-stage exchanges beside nginx with a durable WebDAV PUT")
record.row("disk", fdatasync_ms=common.fsync_ms(folder))
EVERYTHING = "default: {cabs: 100000000}\n"


def load(name, port, size, connections):
    result = common.fleet(port, "--cabs", "--cab-bytes", size, "--connections", connections, "--keep-alive",
                          "--duration", f"{seconds}s", "--seed", 1)
    elapsed = result["elapsed_us"] / 1e6
    row = {"exchanges_per_second": result["uploads_acknowledged"] / elapsed,
           "mb_per_second": result["upload_bytes"] / elapsed / 1e6,
           "p99_ms": result["upload_latency_us"]["p99"] / 1000,
           "lost": result["lost"] + result["uploads_lost"]}
    record.row(f"{name}, {size} cabinets, {connections} connections", **row)
    return row


for size, connections, what in (("100K", 32, "exchanges_per_second"), ("20M", 4, "mb_per_second")):
    with common.Nginx(folder / f"nginx-{size}", dav=True, durable=True) as nginx:
        peer = load("nginx", nginx.port, size, connections)
    with common.Werd(folder / f"werd-{size}", role="ingest", collection=EVERYTHING) as werd:
        mine = load("ingest", werd.port, size, connections)
    record.row(f"ratio, {size} cabinets", of_nginx=mine[what] / peer[what])
record.save()
