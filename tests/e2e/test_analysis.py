"""Uploads go through the jail, and what is found in them can be read; the release build, whose jail is real."""
import json
import os
import random
import signal
import sqlite3
import subprocess
import time

import pytest

import openwer
from openwer import level1

ASK_ALL = "default: {cabs: 100000}\n"


@pytest.fixture
def collector(tmp_path, release):
    with openwer.Collector(tmp_path, release, collection=ASK_ALL) as collector:
        yield collector


def send(collector, content, params=None, **report):
    """One report with one upload; the id of the report."""
    body = level1(machine=f"ws-{random.getrandbits(64):x}", params=params, **report)
    with collector.connect() as connection:
        reply = connection.request("POST", "/stage2.htm", body)
        assert reply.status == 200 and "DumpFile" in reply.lines
        assert connection.request("PUT", reply.lines["DumpFile"], content).status == 200


def cabinet(collector, folder, seed=1, size="60K"):
    path = folder / f"made-{seed}.cab"
    subprocess.run([collector.programs.werload, "cabinet", "-o", path, "--seed", str(seed), "--bytes", size],
                   check=True, stdout=subprocess.DEVNULL)
    return path.read_bytes()


def states(collector):
    return [r["analysis"]["state"] for r in collector.list("reports", "--limit", "0")]


def all_done(collector, count, seconds=60):
    assert collector.wait_for(lambda: len(states(collector)) >= count and "waiting" not in states(collector),
                              seconds), states(collector)


def rows(collector):
    [path] = [p for p in (collector.data / "derived").glob("derived-*.db")]
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("analysis", "class_bucket")]


def test_a_fleet_s_cabinets_all_have_a_result(collector):
    subprocess.run([collector.programs.werload, "run", "--port", str(collector.port), "--cabs", "--reports", "60",
                    "--connections", "4"], check=True, stdout=subprocess.DEVNULL)
    all_done(collector, 60)
    reports = collector.list("reports", "--limit", "0")
    assert {r["analysis"]["state"] for r in reports if r["cab"]} == {"done"}
    crashes = [r for r in reports if r["event_type"] == "APPCRASH" and r["cab"]]
    assert crashes and all(r["class_bucket"] and r["analysis"]["summary"] for r in crashes)
    shown = json.loads(collector.werctl("report", crashes[0]["id"], "--json").stdout)
    [dump] = shown["analysis"]["document"]["dumps"]
    assert dump["error"] is None and any(t["frames"] for t in dump["threads"])
    text = collector.werctl("report", crashes[0]["id"]).stdout
    assert "where it happened" in text and crashes[0]["class_bucket"] in text


@pytest.mark.parametrize("content", [b"MSCF", b"MSCF" + bytes(2000), b"MDMP" + bytes(100), b"\x7fELF" + bytes(60),
                                     b"PAGEDU64" + bytes(9000), os.urandom(5000), b"plain text\r\n" * 50],
                         ids=["cut", "zeros", "minidump", "elf", "kernel", "random", "text"])
def test_whatever_is_sent_has_a_result(collector, content):
    send(collector, content)
    all_done(collector, 1)
    assert states(collector) == ["done"]
    assert collector.role_pid("analyze")


def test_broken_cabinets_are_named_and_the_rest_is_read(collector, tmp_path):
    whole = bytearray(cabinet(collector, tmp_path))
    for at in (20, 40, 100, len(whole) // 2, len(whole) - 10):
        broken = bytearray(whole)
        broken[at] ^= 0xff
        send(collector, bytes(broken))
        send(collector, bytes(whole[:at + 5]))
    all_done(collector, 10)
    assert set(states(collector)) == {"done"}


def test_a_killed_analyzer_loses_nothing(collector, tmp_path):
    content = cabinet(collector, tmp_path)
    for _ in range(5):
        for _ in range(6):
            send(collector, content)
        time.sleep(random.uniform(0, 0.3))
        pid = collector.role_pid("analyze")
        if pid:
            os.kill(pid, signal.SIGKILL)
    all_done(collector, 30, 90)
    assert states(collector) == ["done"] * 30


def test_rebuilding_gives_the_same_results(collector, tmp_path):
    for seed in range(1, 9):
        send(collector, cabinet(collector, tmp_path, seed), params=[f"app{seed % 3}.exe", "1"])
    send(collector, b"MSCF but no cabinet")
    all_done(collector, 9)
    before = rows(collector)
    assert len(before[0]) == 9 and before[1]
    collector.werctl("rebuild")
    assert rows(collector) == before


def test_the_first_of_a_bucket_comes_before_its_company(tmp_path, release):
    """With the analyzer stopped, uploads gather; the order of the results is that of the work."""
    with openwer.Collector(tmp_path, release, collection=ASK_ALL, config={"analyze": {"jobs": 1}}) as collector:
        pid = collector.role_pid("analyze")
        os.kill(pid, signal.SIGSTOP)
        for name in ("a", "a", "a", "b", "c"):
            send(collector, b"text of " + name.encode(), params=[f"{name}.exe", "1"])
        os.kill(pid, signal.SIGCONT)
        all_done(collector, 5)
        [path] = (collector.data / "derived").glob("derived-*.db")
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            assert db.execute("SELECT count(*) FROM analyzed_bucket").fetchone() == (3,)
            assert db.execute("SELECT count(*) FROM pending").fetchone() == (0,)
