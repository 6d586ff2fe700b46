"""Nothing acknowledged is lost, and nothing false is acknowledged.

A crowd of clients keeps a list of what was answered 200; after each catastrophe everything on the
list must be in the store, byte for byte.
"""
import hashlib
import os
import random
import shutil
import subprocess
import threading
import time

import pytest

import openwer
from openwer import level1

SUPPORT = openwer.ROOT / "build/debug/tests/support"


class Crowd:
    """Clients that report and upload until told to stop; remembers what was acknowledged."""

    def __init__(self, collector, clients=8, seed=1):
        self.collector = collector
        self.reports = {}  # SHA-256 of the body: bucket
        self.uploads = {}  # SHA-256 of the cabinet: SHA-256 of the report's body
        self.statuses = {}
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(seed * 1000 + i,))
                        for i in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def count(self, status):
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1

    def one(self, connection, rng):
        body = level1(machine=f"ws-{rng.getrandbits(64):x}", params=[f"app{rng.randrange(40)}.exe", "1"])
        reply = connection.request("POST", "/stage2.htm", body)
        self.count(reply.status)
        if reply.status != 200:
            time.sleep(0.02)
            return
        digest = hashlib.sha256(body).hexdigest()
        with self.lock:
            self.reports[digest] = reply.lines["Bucket"]
        if "DumpFile" not in reply.lines:
            return
        cabinet = b"MSCF" + rng.randbytes(rng.randrange(100, 200_000))
        done = connection.request("PUT", reply.lines["DumpFile"], cabinet)
        self.count(done.status)
        if done.status == 200:
            with self.lock:
                self.uploads[hashlib.sha256(cabinet).hexdigest()] = digest

    def client(self, seed):
        rng = random.Random(seed)
        while not self.stopping.is_set():
            try:
                with self.collector.connect() as connection:
                    while not self.stopping.is_set():
                        self.one(connection, rng)
            except (OSError, ConnectionError, ValueError):
                self.count(None)
                time.sleep(0.02)

    def check(self, collector=None):
        """Everything acknowledged is there, whole."""
        collector = collector or self.collector
        collector.wait_for(lambda: len(collector.list("reports", "--limit", "0")) >= len(self.reports), 30)
        found = {r["raw_sha256"]: r for r in collector.list("reports", "--limit", "0")}
        lost = [d for d in self.reports if d not in found]
        assert not lost, f"{len(lost)} of {len(self.reports)} acknowledged reports are lost"
        wrong = [d for d, bucket in self.reports.items() if found[d]["bucket"] != bucket]
        assert not wrong, f"{len(wrong)} reports are in another bucket than was answered"
        for sha256, report in self.uploads.items():
            cab = found[report]["cab"]
            assert cab and cab["sha256"] == sha256, "an acknowledged cabinet is lost"
            content = (collector.data / "blobs" / sha256[:2] / sha256[2:]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == sha256, "an acknowledged cabinet is not whole"


ASK_MANY = "default: {cabs: 100000}\n"


def test_kill_9_at_random_moments_20_times(tmp_path, release):
    rng = random.Random(20)
    collector = openwer.Collector(tmp_path, release, collection=ASK_MANY)
    collector.start()
    with Crowd(collector) as crowd:
        for _ in range(20):
            time.sleep(rng.uniform(0.05, 0.6))
            collector.kill()
            collector.start()
        time.sleep(0.5)
    assert len(crowd.reports) > 100 and len(crowd.uploads) > 20, crowd.statuses
    crowd.check()
    collector.stop()


def spell_key(path):
    """The key that powercut.c gives a file: its inode and its time of birth."""
    seconds = subprocess.check_output(["stat", "-c", "%.9W", path], text=True).strip()
    return f"{path.stat().st_ino}-{seconds}"


def restore(shadow, key, target):
    """The tree as the fsyncs left it; an entry whose content was never synced is garbage."""
    target.mkdir()
    listing = shadow / "dir" / key
    for line in listing.read_text().splitlines() if listing.exists() else []:
        child, kind, name = line.split(" ", 2)
        content = shadow / "file" / child
        if kind == "d":
            restore(shadow, child, target / name)
        elif content.exists():
            shutil.copyfile(content, target / name)
        else:
            (target / name).write_bytes(os.urandom(4096))


def test_a_power_cut_leaves_what_was_acknowledged(tmp_path, release):
    shadow, data = tmp_path / "shadow", tmp_path / "data"
    for folder in (shadow / "file", shadow / "dir", data):
        folder.mkdir(parents=True)
    env = {"LD_PRELOAD": str(SUPPORT / "libpowercut.so"), "POWERCUT_DATA": str(data),
           "POWERCUT_SHADOW": str(shadow)}
    collector = openwer.Collector(tmp_path, release, env=env, collection=ASK_MANY)
    collector.start()
    with Crowd(collector, clients=6) as crowd:
        time.sleep(4)
        collector.kill()
        crowd.stopping.set()
    assert len(crowd.reports) > 50 and len(crowd.uploads) > 10, crowd.statuses
    root = spell_key(data)
    shutil.move(data, tmp_path / "data-before")
    restore(shadow, root, data)
    after = openwer.Collector(tmp_path / "after", release, config={"data": str(data)})
    after.data = data
    after.start()
    crowd.check(after)
    after.stop()


def faults(tmp_path):
    order = tmp_path / "order"
    return order, {"LD_PRELOAD": str(SUPPORT / "libfaults.so"), "FAULTS_DATA": str(tmp_path / "data"),
                   "FAULTS_ORDER": str(order)}


@pytest.mark.parametrize("fault", ["fsync EIO", "write EIO"])
def test_a_failing_disk_acknowledges_nothing_and_stops_loudly(tmp_path, release, fault):
    order, env = faults(tmp_path)
    collector = openwer.Collector(tmp_path, release, env=env, collection=ASK_MANY)
    collector.start()
    with Crowd(collector, clients=4) as crowd:
        time.sleep(0.5)
        before = collector.role_pid("ingest")
        order.write_text(fault)
        time.sleep(1.5)
        with crowd.lock:
            held = dict(crowd.reports)
        order.unlink()
        assert collector.wait_for(lambda: collector.role_pid("ingest") not in (before, None), 20)
        assert collector.wait_for(lambda: len(crowd.reports) > len(held) + 5, 40)
    log = collector.log.read_text()
    assert "event=ingest.write_failed" in log and "event=werd.role_ended" in log
    crowd.check()
    collector.stop()


def test_a_full_disk_answers_503_and_goes_on(tmp_path, release):
    order, env = faults(tmp_path)
    collector = openwer.Collector(tmp_path, release, env=env, collection=ASK_MANY)
    collector.start()
    before = collector.role_pid("ingest")
    with Crowd(collector, clients=4) as crowd:
        time.sleep(0.5)
        order.write_text("write ENOSPC")
        time.sleep(1)
        with crowd.lock:
            refused = crowd.statuses.get(503, 0)
            held = len(crowd.reports)
        order.unlink()
        assert collector.wait_for(lambda: len(crowd.reports) > held + 20, 20)
    assert refused > 0
    assert collector.role_pid("ingest") == before, "a full disk is no reason to stop"
    crowd.check()
    collector.stop()


def mount_small(folder, size):
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                          capture_output=True)
    if done.returncode != 0:
        pytest.skip("cannot mount a small filesystem here")


def test_a_small_filesystem_fills_and_nothing_is_lost(tmp_path, release):
    small = tmp_path / "small"
    mount_small(small, "24m")
    try:
        config = {"data": str(small / "data")}
        ingest = {"disk_reserve": {"cabinets": "8 MiB", "reports": "1 MiB"}}
        collector = openwer.Collector(tmp_path, release, config=config, ingest=ingest, collection=ASK_MANY)
        collector.data = small / "data"
        collector.start()
        with Crowd(collector, clients=6) as crowd:
            end = time.monotonic() + 40
            while crowd.statuses.get(503, 0) < 50 and time.monotonic() < end:
                time.sleep(0.2)
        assert crowd.statuses.get(503, 0) >= 50, crowd.statuses
        for _ in range(20):
            reply = collector.post(level1())
            if reply.status == 503:
                assert int(reply.headers["retry-after"]) > 0
            else:
                assert "iData" not in reply.lines  # cabinets are refused first
        # The index may have no room either; it goes on when there is some.
        subprocess.run(["mount", "-o", "remount,size=96m", small], check=True)
        crowd.check()
        collector.stop()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_one_fsync_serves_many_reports(tmp_path, release):
    """With a slow disk the rate is kept by groups: 32 clients at 50 ms are more than 20 a second."""
    order, env = faults(tmp_path)
    collector = openwer.Collector(tmp_path, release, env=env, collection="default: {cabs: 0}\n")
    collector.start()
    order.write_text("fsync SLOW")
    with Crowd(collector, clients=32) as crowd:
        time.sleep(3)
    order.unlink()
    assert len(crowd.reports) > 100, crowd.statuses
    crowd.check()
    collector.stop()


def test_a_second_writer_is_refused(collector, tmp_path):
    done = subprocess.run([collector.programs.werd, "ingest", "-c", collector.path], text=True,
                          capture_output=True, timeout=60)
    assert done.returncode != 0
    assert collector.post(level1()).status == 200
