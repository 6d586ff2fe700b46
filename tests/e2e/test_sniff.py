"""`werd sniff`: listens without a configuration, answers, keeps nothing, shows what came."""
import signal
import subprocess

import pytest

import openwer
from openwer import level1


@pytest.fixture
def sniff(tmp_path, programs):
    running = []

    def start(*words):
        port = openwer.free_port()
        process = subprocess.Popen([programs.werd, "sniff", "--listen", f"127.0.0.1:{port}", *map(str, words)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
        while b"ready" not in process.stderr.readline():
            assert process.poll() is None
        running.append(process)
        return port, process

    yield start
    for process in running:
        process.kill()
        process.wait()


def shown(process):
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err.decode()
    return out


def test_both_stages_are_answered_and_shown_decoded(sniff, tmp_path):
    port, process = sniff()
    with openwer.Connection(port) as connection:
        reply = connection.request("POST", "/stage2.htm", level1(), ["User-Agent: MSDW"])
        assert reply.lines["Bucket"] == "1000"
        assert connection.request("PUT", reply.lines["DumpFile"], b"MSCF" + b"x" * 2000).status == 200
    text = shown(process).decode()
    for expected in ("POST /stage2.htm HTTP/1.1", "User-Agent: MSDW", "UTF-16LE with byte order mark",
                     "APPCRASH", "ws-0001.corp.example", "P7  Exception Code = c0000005",
                     "STATUS_ACCESS_VIOLATION", "iData=1", "2004 bytes, a cabinet"):
        assert expected in text, f"{expected}\n{text}"
    assert list(tmp_path.iterdir()) == []  # nothing is kept


def test_raw_prints_the_bytes_as_they_came(sniff):
    port, process = sniff("--raw")
    body = level1()
    with openwer.Connection(port) as connection:
        connection.request("POST", "/stage2.htm", body)
    out = shown(process)
    assert out.startswith(b"POST /stage2.htm HTTP/1.1\r\n") and out.endswith(body)


def test_record_masks_names_in_the_same_length(sniff, tmp_path):
    folder = tmp_path / "fixtures"
    port, process = sniff("--record", folder)
    body = level1(machine="secretbox.hidden.example", user="HIDDEN\\carla",
                  path="C:\\Users\\carla\\editor.exe")
    with openwer.Connection(port) as connection:
        reply = connection.request("POST", "/stage2.htm", body)
        connection.request("PUT", reply.lines["DumpFile"], b"MSCF" + b"carla" * 2000)
    shown(process)
    request = (folder / "0001-level1.request").read_bytes()
    assert request.endswith(b"\n\0") and len(request.partition(b"\r\n\r\n")[2]) == len(body)
    text = request.partition(b"\r\n\r\n")[2].decode("utf-16").lower()
    for name in ("secretbox", "hidden", "carla"):
        assert name not in text
    assert "APPCRASH" in request.partition(b"\r\n\r\n")[2].decode("utf-16")
    assert b"Bucket=1000" in (folder / "0001-level1.reply").read_bytes()
    upload = (folder / "0002-upload.request").read_bytes()
    assert upload.startswith(b"PUT /cab/") and b"carla" not in upload


def test_what_is_wrong_is_shown(sniff):
    port, process = sniff()
    for body in (b"", b"not xml at all", level1()[:300]):
        with openwer.Connection(port) as connection:
            assert connection.request("POST", "/stage2.htm", body).status == 400
    with openwer.Connection(port) as connection:
        assert connection.request("GET", "/x\x1b[31m").status in (400, 404)
    out = shown(process)
    assert out.count(b"REFUSED") == 3
    assert b"\x1b" not in out


def test_rules_decide_the_answer(sniff, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("default: {cabs: 0, response: 'https://help.example/'}\n")
    port, process = sniff("--collection", rules)
    with openwer.Connection(port) as connection:
        reply = connection.request("POST", "/stage2.htm", level1())
    assert reply.lines == {"Bucket": "1000", "BucketTable": "5", "Response": "https://help.example/"}
    shown(process)
