"""Level-1 reports per second beside nginx that answers 200 and keeps nothing, in the same run.

usage: ./dev bench ingest [SECONDS]
"""
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
    url = f"https://127.0.0.1:{nginx.tls_port}/stage2.htm"
    peer["tls"] = result = common.measure(nginx, url, script, 32, seconds, close=True)
    record.row("nginx, a new TLS connection each, 32 at a time", **result)


def compare(name, role):
    with common.Werd(folder / name, certificate, role) as werd:
        record.row(f"{name}, idle", memory_mib=common.memory_mib(werd.pids()))
        url = f"http://127.0.0.1:{werd.port}/stage2.htm"
        for connections in (1, 8, 32, 128):
            result = common.measure(werd, url, script, connections, seconds)
            result["of_nginx"] = result["per_second"] / peer[connections]["per_second"]
            record.row(f"{name}, {connections} connections", **result)
        url = f"https://127.0.0.1:{werd.tls_port}/stage2.htm"
        result = common.measure(werd, url, script, 32, seconds, close=True)
        result["of_nginx"] = result["per_second"] / peer["tls"]["per_second"]
        record.row(f"{name}, a new TLS connection each, 32 at a time", **result)
        record.row(f"{name}, after load", memory_mib=common.memory_mib(werd.pids()))


compare("ingest alone", "ingest")
compare("all roles", None)
record.save()
