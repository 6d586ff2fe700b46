"""What only a running collector has: replies, uploads, quarantine, doctor; and client-setup."""
import json
import os
import re
import subprocess
import time

import pytest

import openwer
from werctl_support import Store, sha256

CAB = b"MSCF" + bytes(5000)


def doctor(collector, *words, status=0):
    done = collector.werctl("doctor", "--json", *words, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def states(lines, check):
    return [line["state"] for line in lines if line["check"] == check]


# ---- reports ----

def test_the_whole_exchange_can_be_read_back(collector):
    body = openwer.level1()
    reply = collector.post(body)
    assert collector.put(reply.lines["DumpFile"], CAB).status == 200
    report, = collector.reports(1)
    assert collector.wait_for(lambda: collector.list("reports")[0]["cab"])
    report, = collector.list("reports")
    assert report["reply"] == reply.body.decode() and report["peer"] == "127.0.0.1"
    assert report["raw_sha256"] == sha256(body) and report["cab"]["sha256"] == sha256(CAB)
    assert report["cab_asked"] is True and report["bucket"] == reply.lines["Bucket"]
    text = collector.werctl("report", report["id"]).stdout
    assert "127.0.0.1" in text and f"DumpFile={reply.lines['DumpFile']}" in text
    buckets = collector.wait_for(lambda: [b for b in collector.list("buckets") if b["cabs"]])
    assert buckets[0]["cabs_asked"] == 1 and buckets[0]["hits"] == 1


def test_a_reply_outside_ascii_is_text_again(tmp_path, programs):
    rules = ("rules:\n- name: b\u00fcro\n  match: {event_type: APPCRASH}\n"
             "  reply: {get_file: ['C:\\B\u00fcro\\\u20ac.txt']}\n")
    with openwer.Collector(tmp_path, programs, collection=rules) as collector:
        reply = collector.post(openwer.level1())
        assert b"GetFile=C:\\B\xfcro\\\x80.txt\r\n" in reply.body
        report, = collector.reports(1)
        assert "GetFile=C:\\B\u00fcro\\\u20ac.txt\r\n" in report["reply"]
        explained = collector.list("collection", "explain", report["id"])[0]
        line, = [l for l in explained["lines"] if l["key"] == "GetFile"]
        assert line["rule"] == "b\u00fcro" and line["line"] == 2 and line["value"].startswith("C:\\B\u00fcro")
        tree = tmp_path / "tree"
        collector.werctl("export", "--tree", tree)
        assert next(tree.rglob("reply.txt")).read_bytes() == reply.body


def test_explain_agrees_with_what_ingest_does_next(collector):
    for _ in range(6):
        before = collector.wait_for(lambda: collector.list("stats")[0])
        count = before["reports"]
        path = collector.folder / "next.xml"
        path.write_bytes(openwer.level1())
        expected = collector.list("collection", "explain", path)[0]
        reply = collector.post(path.read_bytes())
        assert ("iData" in reply.lines) == expected["cab_asked"]
        collector.reports(count + 1)


def test_tail_shows_what_is_committed_at_once(collector):
    collector.post(openwer.level1(machine="before"))
    follow = subprocess.Popen([collector.programs.werctl, "-c", collector.path, "tail", "--json",
                               "--since", "1h"], stdout=subprocess.PIPE, text=True)
    assert json.loads(follow.stdout.readline())["machine"] == "before"
    collector.post(openwer.level1(machine="now"))
    posted = time.monotonic()
    assert json.loads(follow.stdout.readline())["machine"] == "now"
    assert time.monotonic() - posted < 5
    follow.terminate()
    follow.communicate(timeout=10)
    assert follow.returncode == 0


# ---- quarantine ----

HOSTILE = b"<WERREPORT>\x1b]0;owned\x07\r\n" + b"\xff\x00"


def test_quarantine_keeps_and_shows_what_was_refused(collector):
    assert collector.post(HOSTILE).status == 400
    assert collector.wait_for(lambda: collector.list("quarantine"))
    assert collector.post(b"PK\3\4").status == 400
    items = collector.wait_for(lambda: len(found := collector.list("quarantine")) == 2 and found)
    newest, oldest = items
    assert oldest["peer"] == "127.0.0.1" and oldest["stage"] == "level1"
    assert oldest["total_bytes"] == oldest["kept_bytes"] == len(HOSTILE)
    assert newest["reason"] == "not_xml" and newest["detail"]
    item, = collector.list("quarantine", oldest["id"])
    assert bytes.fromhex(item["bytes"]) == HOSTILE
    assert collector.werctl("quarantine", oldest["id"], "--raw", text=False).stdout == HOSTILE
    text = collector.werctl("quarantine", oldest["id"]).stdout
    assert "\x1b" not in text and "\u241b]0;o\n" in text and "wned\u2407" in text and "3c 57 45 52" in text
    assert oldest["reason"] in collector.werctl("quarantine").stdout
    page = collector.list("quarantine", "--limit", 1)
    assert page == [newest]
    assert collector.list("quarantine", "--after", newest["cursor"]) == [oldest]
    assert collector.werctl("quarantine", 999, check=False).returncode == 66


# ---- doctor ----

def test_doctor_finds_a_healthy_collector_healthy(collector):
    collector.post(openwer.level1())
    collector.reports(1)
    lines = doctor(collector, "--server", "wer.corp.example")
    assert states(lines, "config") == states(lines, "port") == ["ok"]
    assert states(lines, "reports") == states(lines, "analyze") == ["ok"]
    commands = [line["detail"] for line in lines if line["state"] == "command"]
    assert f"Test-NetConnection wer.corp.example -Port {collector.port}" in commands
    text = collector.werctl("doctor").stdout
    assert re.search(r"^ok +port +HTTP on 127.0.0.1:\d+ is listening$", text, re.M)


def test_doctor_sees_that_nobody_listens(tmp_path, programs):
    collector = openwer.Collector(tmp_path, programs)
    with collector:
        pass
    lines = doctor(collector, status=1)
    assert states(lines, "port") == ["fail"]
    detail = next(line["detail"] for line in lines if line["check"] == "port")
    assert "Connection refused" in detail


def test_doctor_fails_on_a_broken_configuration(tmp_path, programs):
    store = Store(tmp_path, programs, {"nonsense": 1})
    done = store.run("doctor", status=1)
    assert re.search(r"^fail +config +.*nonsense", done.stdout, re.M)


@pytest.mark.parametrize("name, days, server, expected", [
    ("localhost", 300, "localhost", ["ok", "ok", "warn"]),
    ("localhost", 300, "other.example", ["fail", "ok", "warn"]),
    ("localhost", 5, "localhost", ["ok", "warn", "warn"]),
])
def test_doctor_reads_the_certificate(tmp_path, programs, name, days, server, expected):
    certificate = openwer.make_certificate(tmp_path, name, days)
    os.chmod(certificate[1], 0o600)
    with openwer.Collector(tmp_path / "c", programs, tls=certificate) as collector:
        collector.post(openwer.level1(), tls=True)
        collector.reports(1)
        lines = doctor(collector, "--server", server, status=1 if "fail" in expected else 0)
        assert states(lines, "certificate") == expected
        assert states(lines, "port") == ["ok", "ok"]
        assert any("https://" in line["detail"] for line in lines if line["state"] == "command")
        os.chmod(certificate[1], 0o644)
        lines = doctor(collector, "--server", server, status=1)
        assert states(lines, "certificate") == expected + ["fail"]


# ---- client-setup ----

def test_client_setup_writes_what_regedit_reads(tmp_path, programs):
    store = Store(tmp_path, programs)
    raw = store.run("client-setup", "--format", "reg", "--server", "wer.corp", "--port", 1232, "--tls",
                    text=False).stdout
    assert raw.startswith(b"\xff\xfe") and b"\r\x00\n\x00" in raw
    text = raw.decode("utf-16")
    assert text.startswith("Windows Registry Editor Version 5.00\r\n\r\n")
    assert '"CorporateWerPortNumber"=dword:000004d0\r\n' in text
    assert '"CorporateWerUseSSL"=dword:00000001\r\n' in text
    assert '"DefaultConsent"=dword:00000004\r\n' in text
    path = tmp_path / "setup.reg"
    store.run("client-setup", "--format", "reg", "--server", "wer.corp", "--port", 1232, "--tls", "-o", path)
    assert path.read_bytes() == raw
    store.run("client-setup", "--format", "reg", "--server", "x", "-o", path, status=73)
    seen = store.terminal("client-setup", "--format", "reg", "--server", "wer.corp")
    assert seen.startswith("Windows Registry Editor") and "\0" not in seen


def test_undo_names_exactly_the_values_that_were_set(tmp_path, programs):
    store = Store(tmp_path, programs)

    def values(*words):
        text = store.run("client-setup", "--format", "reg", *words, text=False).stdout.decode("utf-16")
        return re.findall(r'^(\[.*\]|"\w+")', text, re.M)

    assert values("--undo") == values("--server", "x")
    script = store.run("client-setup", "--format", "ps1", "--undo").stdout
    names = re.findall(r"Name = '(\w+)'", script)
    assert sorted(f'"{n}"' for n in names) == sorted(v for v in values("--undo") if v[0] == '"')
    assert script.startswith("#Requires -RunAsAdministrator\n") and "New-Item" not in script
