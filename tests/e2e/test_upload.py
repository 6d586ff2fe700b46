"""Level 2: the path handed out, and what may be PUT there."""
import hashlib
import os
import re
import threading
import time

import pytest

import openwer
from openwer import level1


def asked(collector, **report):
    """The path that a fresh report's reply hands out."""
    report.setdefault("params", [f"app{os.urandom(6).hex()}.exe", "1.0"])
    reply = collector.post(level1(**report))
    assert reply.lines["iData"] == "1", reply.body
    return reply.lines["DumpFile"]


def cabinet(size=100_000):
    return b"MSCF" + os.urandom(size - 4)


def the_cab(collector):
    return collector.wait_for(lambda: [r["cab"] for r in collector.list("reports") if r["cab"]])


def test_two_stages_and_the_cabinet_is_read_back(collector, tmp_path):
    path, body = asked(collector), cabinet()
    assert re.fullmatch(r"/cab/[0-9a-f]{64}\.cab", path)
    assert collector.put(path, body).status == 200
    [cab] = the_cab(collector)
    assert (cab["sha256"], cab["bytes"]) == (hashlib.sha256(body).hexdigest(), len(body))
    [report] = collector.list("reports")
    collector.werctl("cab", report["id"], "-o", tmp_path / "out.cab")
    assert (tmp_path / "out.cab").read_bytes() == body
    [bucket] = collector.wait_for(lambda: [b for b in collector.list("buckets") if b["cabs"] == 1])
    assert bucket["id"] == report["bucket"]


@pytest.mark.parametrize("change", [
    lambda p: p.replace("/", "\\"), lambda p: p.replace("/", "%5C"), lambda p: p.replace("/", "%5c"),
    lambda p: p.upper(), lambda p: "http://collector.example:1273" + p,
    lambda p: "/" + p.replace("/", "\\")], ids=["backslash", "%5C", "%5c", "upper", "absolute", "mixed"])
def test_the_path_comes_back_in_any_spelling(collector, change):
    body = cabinet(1000)
    assert collector.put(change(asked(collector)), body).status == 200
    assert the_cab(collector)[0]["sha256"] == hashlib.sha256(body).hexdigest()


def test_a_changed_bit_is_refused_and_seen(collector):
    path = asked(collector)
    for at in range(5, 69, 7):
        digit = "0" if path[at] != "0" else "1"
        reply = collector.put(path[:at] + digit + path[at + 1:], cabinet(1000))
        assert reply.status == 403
    assert the_cab(collector) == []
    assert collector.wait_for(
        lambda: collector.list("stats")[0]["counters"].get("upload_path_forged")) >= 9


def test_a_repeated_upload_is_200_without_a_second_copy(collector):
    path, body = asked(collector), cabinet()
    for _ in range(3):
        assert collector.put(path, body).status == 200
    assert collector.put(path, cabinet(5000)).status == 200  # one upload each: this one is not kept
    [cab] = the_cab(collector)
    assert cab["sha256"] == hashlib.sha256(body).hexdigest()
    blobs = [f for f in (collector.data / "blobs").rglob("*") if f.is_file()]
    assert len(blobs) == 1


def test_uploads_of_one_path_at_the_same_time(collector):
    path = asked(collector)
    bodies = [cabinet(300_000) for _ in range(6)]
    statuses = []
    threads = [threading.Thread(target=lambda b=b: statuses.append(collector.put(path, b).status))
               for b in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 6
    [cab] = the_cab(collector)
    assert cab["sha256"] in {hashlib.sha256(b).hexdigest() for b in bodies}


def test_a_broken_upload_can_be_sent_again(collector):
    path, body = asked(collector), cabinet()
    with collector.connect() as connection:
        connection.send(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        connection.send(body[:70_000])
    time.sleep(0.3)
    assert collector.list("reports")[0]["cab"] is None
    assert collector.put(path, body).status == 200
    assert the_cab(collector)[0]["bytes"] == len(body)


def test_what_is_no_cabinet_is_kept_and_flagged(collector):
    assert collector.put(asked(collector), b"MZ" + b"\0" * 500).status == 200
    [cab] = the_cab(collector)
    assert cab["bytes"] == 502 and cab["is_cabinet"] is False


def test_an_empty_put_ends_nothing(collector):
    path = asked(collector)
    assert collector.put(path, b"").status == 400
    assert collector.put(path, cabinet(1000)).status == 200


def test_size_limit_with_and_without_a_length(tmp_path, programs):
    ingest = {"limits": {"cab_bytes": "200 KiB"}}
    with openwer.Collector(tmp_path, programs, ingest=ingest) as collector:
        path = asked(collector)
        assert collector.put(path, cabinet(300_000)).status == 413
        with collector.connect() as connection:
            connection.send(f"PUT {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            try:
                for _ in range(100):
                    connection.send(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
            except OSError:
                pass
            assert connection.reply().status == 413
        assert collector.put(path, cabinet(200 * 1024)).status == 200


def test_a_path_is_good_for_a_limited_time(tmp_path, programs):
    with openwer.Collector(tmp_path, programs, ingest={"upload_valid": "1s"}) as collector:
        path = asked(collector)
        time.sleep(2.1)
        assert collector.put(path, cabinet(1000)).status == 410


def test_chunked_and_https(tmp_path, programs, certificate):
    with openwer.Collector(tmp_path, programs, tls=certificate) as collector:
        path, body = asked(collector), cabinet(400_000)
        with collector.connect(tls=True) as connection:
            connection.send(f"PUT {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            for at in range(0, len(body), 30_000):
                piece = body[at:at + 30_000]
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
            assert connection.reply().status == 200
        assert the_cab(collector)[0]["sha256"] == hashlib.sha256(body).hexdigest()


def test_a_token_reaches_its_own_report_only(collector):
    bodies = {}
    paths = [asked(collector) for _ in range(5)]
    for path in paths:
        bodies[path] = cabinet(2000)
        assert collector.put(path, bodies[path]).status == 200
    reports = collector.wait_for(
        lambda: [r for r in collector.list("reports") if r["cab"]] if len(the_cab(collector)) == 5 else None)
    for report in reports:
        path = re.search(r"DumpFile=(\S+)", report["reply"])[1]
        assert report["cab"]["sha256"] == hashlib.sha256(bodies[path]).hexdigest()


def test_nothing_stored_can_be_fetched(collector):
    path = asked(collector)
    body = cabinet(1000)
    collector.put(path, body)
    digest = hashlib.sha256(body).hexdigest()
    for target in (path, f"/blobs/{digest[:2]}/{digest[2:]}", "/cab/", "/cab/../facts/facts.db",
                   "/%2e%2e/facts/facts.db"):
        for method in ("GET", "PROPFIND", "OPTIONS"):
            with collector.connect() as connection:
                reply = connection.request(method, target)
                assert reply.status in (404, 405)
                assert body[:50] not in reply.raw


def test_the_default_asks_for_three_and_then_when_hits_double(collector):
    asks = []
    for i in range(1, 41):
        reply = collector.post(level1())
        if "iData" in reply.lines:
            asks.append(i)
            assert collector.put(reply.lines["DumpFile"], cabinet(1000)).status == 200
    assert asks == [1, 2, 3, 6, 12, 24]


def test_awaited_cabinets_count_until_they_come(collector):
    asks = sum("iData" in collector.post(level1()).lines for _ in range(20))
    assert asks == 3


def test_rules_say_what_is_asked(tmp_path, programs):
    rules = """
rules:
  - name: never this one
    match: {app: "quiet.exe"}
    reply: {cabs: 0}
  - name: everything of that one
    match: {event_type: APPCRASH, app: "loud.exe", code: "0xc0000005"}
    reply:
      cabs: 1000
      memory_dump: true
      reg_key: ["HKLM\\\\Software\\\\Example"]
      wql: "SELECT Name FROM Win32_Processor"
      get_file: ["%windir%\\\\win.ini", "C:\\\\log.txt"]
      response: "https://help.example/loud"
"""
    with openwer.Collector(tmp_path, programs, collection=rules) as collector:
        quiet = collector.post(level1(params=["quiet.exe", "1"]))
        assert quiet.lines.keys() == {"Bucket", "BucketTable"}
        loud = collector.post(level1(params=["loud.exe", "1", "2", "3", "4", "5", "C0000005", "7"]))
        text = loud.body.decode("cp1252")
        assert text.endswith("\r\n") and " = " not in text
        lines = loud.lines
        assert list(lines)[:4] == ["iData", "Bucket", "BucketTable", "DumpFile"]
        assert lines["MemoryDump"] == "1"
        assert lines["GetFile"] == "%windir%\\win.ini;C:\\log.txt"
        assert lines["Response"] == "https://help.example/loud"
        [report] = collector.reports(1, "--app", "loud.exe")
        assert report["reply"] == text
        explained = collector.werctl("collection", "explain", report["id"]).stdout
        assert "everything of that one" in explained


def test_a_machine_day_budget_is_kept(tmp_path, programs):
    rules = "default: {cabs: 1000, cab_bytes_per_machine_day: 300 KiB}\n"
    with openwer.Collector(tmp_path, programs, collection=rules) as collector:
        sent = 0
        for i in range(10):
            reply = collector.post(level1(params=[f"app{i}.exe"]))
            if "iData" not in reply.lines:
                continue
            body = cabinet(100_000)
            if collector.put(reply.lines["DumpFile"], body).status == 200:
                sent += len(body)
        assert 200_000 <= sent <= 300 * 1024
        other = collector.post(level1(machine="ws-0002", params=["app0.exe"]))
        assert "iData" in other.lines
