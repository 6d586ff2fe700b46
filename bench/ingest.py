"""Level-1 reports per second beside nginx that answers 200 and keeps nothing, in the same run.

usage: ./dev bench ingest [SECONDS]
"""
import statistics
import sys

import common

seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 8
folder = common.scratch("ingest")
certificate = common.openwer.make_certificate(folder)
script = common.bodies(folder)
record = common.Record("ingest", "Durable level-1 reports beside nginx that keeps nothing")
record.row("disk", fdatasync_ms=common.fsync_ms(folder))

peer = {}
with common.Nginx(folder / "nginx", certificate) as nginx:
    url = f"http://127.0.0.1:{nginx.port}/stage2.htm"
    for connections in (1, 8, 32, 128):
        peer[connections] = result = common.measure(nginx, url, script, connections, seconds)
        record.row(f"nginx, {connections} connections", **result)


def compare(name, role):
    with common.Werd(folder / name, certificate, role) as werd:
        record.row(f"{name}, idle", memory_mib=common.memory_mib(werd.pids()))
        url = f"http://127.0.0.1:{werd.port}/stage2.htm"
        for connections in (1, 8, 32, 128):
            result = common.measure(werd, url, script, connections, seconds)
            result["of_nginx"] = result["per_second"] / peer[connections]["per_second"]
            record.row(f"{name}, {connections} connections", **result)
        record.row(f"{name}, after load", memory_mib=common.memory_mib(werd.pids()))


def one_tls(name, server):
    url = f"https://127.0.0.1:{server.tls_port}/stage2.htm"
    result = common.measure(server, url, script, 32, seconds, close=True)
    record.row(f"{name}, a new TLS connection for each, 32 at a time", **result)
    return result["per_second"]


def compare_tls(name, role, rounds=5):
    """In turn, each on a fresh store, so that neither meets what the other left to the disk."""
    ratios = []
    for i in range(rounds):
        with common.Nginx(folder / f"nginx-{role}-{i}", certificate) as nginx:
            theirs = one_tls("nginx", nginx)
        with common.Werd(folder / f"werd-{role}-{i}", certificate, role) as werd:
            ratios.append(one_tls(name, werd) / theirs)
    record.row(f"{name}, TLS, median of {rounds} turns", of_nginx=statistics.median(ratios))


compare("ingest alone", "ingest")
compare("all roles", None)
compare_tls("ingest alone", "ingest")
compare_tls("all roles", None)
record.note("Full handshakes on both sides (wrk would take sessions up again). nginx answers as its default "
            "configuration does: with the cipher that the client names first.")
record.save()
