"""Level 1 on the wire: what `werd ingest` takes, what it refuses, and what it answers."""
import hashlib
import ssl
import time

import pytest

import openwer
from openwer import level1

CLAUS = (
    '<?xml version="1.0" encoding="UTF-16"?>\r\n'
    '<WERREPORT xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\r\n'
    '    <MACHINEINFO machinename="myvistabox" os="6.0.6000.2.0.0.256.16" lcid="1033"/>\r\n'
    '    <USERINFO username="myvistabox\\clausb"/>\r\n'
    '    <APPLICATIONINFO appname="werapitest.exe" apppath="C:\\tmp\\werapitest.exe"/>\r\n'
    '    <EVENTINFO reporttype="1" eventtime="128267449141252896" eventtype="werapitest (eventType)" '
    'friendlyeventname="werapitest (friendly event name)" eventdescription="Critical runtime problem"/>\r\n'
    "    <SIGNATURE>\r\n    </SIGNATURE>\r\n"
    "</WERREPORT>\r\n")


@pytest.mark.parametrize("mark", [b"", b"\xff\xfe"], ids=["without_mark", "with_mark"])
def test_the_published_vista_client_is_read_back_in_every_field(collector, mark):
    body = mark + CLAUS.encode("utf-16-le")
    request = (b"POST /stage2.htm HTTP/1.1\r\nUser-Agent: MSDW\r\nHost: mylaptop:1273\r\n"
               b"Content-Length: %d\r\nConnection: Keep-Alive\r\n\r\n" % len(body)) + body
    with collector.connect() as connection:
        connection.send(request)
        reply = connection.reply()
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/plain; charset=windows-1252"
    assert int(reply.lines["Bucket"]) >= 1000
    [report] = collector.reports(1)
    expected = {
        "event_type": "werapitest (eventType)", "report_type": 1,
        "event_time": "2007-06-19T16:41:54.125289Z", "peer": "127.0.0.1",
        "friendly_event_name": "werapitest (friendly event name)",
        "event_description": "Critical runtime problem", "app_name": "werapitest.exe",
        "app_path": "C:\\tmp\\werapitest.exe", "app_company": None, "machine": "myvistabox",
        "os": "6.0.6000.2.0.0.256.16", "lcid": 1033, "oem": None, "user": "myvistabox\\clausb",
        "bucket": reply.lines["Bucket"], "params": [], "files": [], "cab": None,
        "raw_sha256": hashlib.sha256(body).hexdigest(), "reply": reply.body.decode("cp1252"),
        "machine_identity": report["machine_identity"],
    }
    assert {key: report[key] for key in expected} == expected
    raw = collector.werctl("report", report["id"], "--raw", text=False).stdout
    assert raw == body


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("mark", [True, False])
@pytest.mark.parametrize("declared", ["UTF-16", "utf-8"])
def test_every_encoding_whatever_is_declared(collector, encoding, mark, declared):
    body = level1(encoding=encoding, bom=mark, declared=declared, machine="größe-中文")
    assert collector.post(body).status == 200
    [report] = collector.reports(1)
    assert report["machine"] == "größe-中文"
    assert report["params"][6] == "c0000005"


@pytest.mark.parametrize("target", [
    "/stage2.htm", "/STAGE2.HTM", "/any/prefix/Stage2.Htm", "/stage2.htm?x=1",
    "http://collector.example:1273/stage2.htm"])
def test_any_path_that_ends_in_stage2(collector, target):
    assert collector.post(level1(), target).status == 200


@pytest.mark.parametrize("headers", [
    (), ("Content-Type: text/xml",), ("Content-Type: application/octet-stream", "User-Agent: MSDW")])
def test_any_content_type_or_none(collector, headers):
    assert collector.post(level1(), headers=headers).status == 200


def test_chunked_body(collector):
    body = level1()
    with collector.connect() as connection:
        connection.send(b"POST /stage2.htm HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 500):
            piece = body[at:at + 500]
            connection.send(b"%x;extension=1\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\nTrailer: x\r\n\r\n")
        assert connection.reply().status == 200
    [report] = collector.reports(1)
    assert report["raw_sha256"] == hashlib.sha256(body).hexdigest()


def test_expect_is_answered_before_the_body(collector):
    body = level1()
    with collector.connect() as connection:
        connection.send(b"POST /stage2.htm HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                        b"Content-Length: %d\r\n\r\n" % len(body))
        assert connection.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(body)
        assert connection.reply().status == 200


def test_http_1_0_and_keep_alive(collector):
    body = level1()
    with collector.connect() as connection:
        connection.send(b"POST /stage2.htm HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert connection.reply().status == 200
        assert connection.socket.recv(1) == b""  # closed
    with collector.connect() as connection:
        for _ in range(5):
            assert connection.request("POST", "/stage2.htm", body).status == 200


def test_bucket_numbers_begin_at_1000_and_one_label_has_one(collector):
    first = collector.post(level1()).lines["Bucket"]
    same = collector.post(level1(machine="other", user="somebody", lcid="1031", os="6.1.7601.2.1.0.256.48"))
    folded = collector.post(level1(event="appcrash"))
    other = collector.post(level1(params=["editor.exe", "1.2.3.5"]))
    assert first == "1000"
    assert same.lines["Bucket"] == folded.lines["Bucket"] == first
    assert other.lines["Bucket"] != first


def test_a_bugcheck_has_one_bucket_however_it_is_sent(collector):
    as_secondary = collector.post(level1(event="BlueScreen", params=[], report_type=4, secondary=[
        ("BCCode", "9f"), ("BCP1", "0000000000000003"), ("BCP2", "FFFFFA8004B5F060")]))
    as_parameter = collector.post(level1(event="BlueScreen", params=["0x0000009F", "3"], report_type=4))
    assert as_secondary.lines["Bucket"] == as_parameter.lines["Bucket"]


def test_other_spellings_are_one_type_and_the_sent_one_is_kept(collector):
    params = ["x64", "PCI\\VEN_8086&DEV_1234"]
    buckets = {collector.post(level1(event=name, params=params, report_type=0)).lines["Bucket"]
               for name in ("PnPDriverNotFound", "PnpDriverNotFound", "PNPDRIVERNOTFOUND")}
    assert len(buckets) == 1
    sent = {report["event_type"] for report in collector.reports(3)}
    assert sent == {"PnPDriverNotFound", "PnpDriverNotFound", "PNPDRIVERNOTFOUND"}
    alias = {collector.post(level1(event=name, params=["Update;", "8024402c"])).lines["Bucket"]
             for name in ("StoreAgentScanForUpdatesFailure0", "StoreAgentScanForUpdateFailure0")}
    assert len(alias) == 1


def test_strange_content_is_kept_not_refused(collector):
    strange = level1(os="not an os", lcid="0000066591", report_type=77, event_time="soon",
                     path="C:\\" + "long\\" * 200 + "a.exe", files=[("x.bin", 42), ("y", "z")],
                     params=[f"value{i}" for i in range(14)], encoding="utf-8",
                     secondary=[(f"name{i}", "v") for i in range(20)])
    strange = strange.replace(b"<SIGNATURE>", b'<UNKNOWN a="1"><INNER/></UNKNOWN><SIGNATURE extra="2">')
    reply = collector.post(strange)
    assert reply.status == 200
    [report] = collector.reports(1)
    assert report["lcid"] == 66591 and report["report_type"] == 77 and report["event_time"] is None
    assert report["params"] == [f"value{i}" for i in range(10)]
    assert len(report["secondary_params"]) == 20
    assert report["files"][0] == {"name": "x.bin", "type": 42}
    assert b"UNKNOWN" in collector.werctl("report", report["id"], "--raw", text=False).stdout


@pytest.mark.parametrize("name,body,status", [
    ("empty", b"", 400),
    ("not_xml", b"MZ\x90\0" * 50, 400),
    ("truncated", level1()[:400], 400),
    ("not_werreport", b"<?xml version='1.0'?><HTML/>", 400),
    ("no_event_type", level1(encoding="utf-8").replace(b"eventtype=", b"other="), 400),
    ("doctype", b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><WERREPORT>&c;</WERREPORT>', 415),
    ("xml_limits", b"<WERREPORT>" + b"<A>" * 5000 + b"</A>" * 5000 + b"</WERREPORT>", 413),
    ("xml_limits", b"<WERREPORT><A " + b" ".join(b"a%d='1'" % i for i in range(5000)) + b"/></WERREPORT>",
     413),
], ids=["empty", "not_xml", "truncated", "not_werreport", "no_event_type", "doctype", "deep", "wide"])
def test_bad_bodies_are_refused_counted_and_kept(collector, name, body, status):
    reply = collector.post(body)
    assert reply.status == status
    assert b"WERREPORT" not in reply.body and len(reply.body) < 80  # a fixed reason, nothing sent back
    if body:
        [item] = collector.wait_for(lambda: collector.list("quarantine"))
        assert (item["reason"], item["peer"], item["stage"]) == (name, "127.0.0.1", "level1")
        kept = collector.werctl("quarantine", item["id"], "--raw", text=False).stdout
        assert kept == body[:65536]
    assert collector.wait_for(lambda: counters(collector).get(name)) == 1
    assert collector.list("reports") == []
    assert collector.post(level1()).status == 200  # and it goes on


def counters(collector):
    [stats] = collector.list("stats")
    return stats["counters"]


def test_an_oversized_body_is_refused_before_it_is_read(collector):
    with collector.connect() as connection:
        connection.send(b"POST /stage2.htm HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        assert connection.reply().status == 413
    with collector.connect() as connection:
        connection.send(b"POST /stage2.htm HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(40):
                connection.send(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        except OSError:
            pass
        assert connection.reply().status == 413


def test_other_paths_and_methods_get_nothing(collector):
    collector.post(level1())
    for method, target, status in [("GET", "/", 404), ("GET", "/stage2.htm", 405),
                                   ("PUT", "/stage2.htm", 405), ("POST", "/other.htm", 404),
                                   ("DELETE", "/cab/1.cab", 404)]:
        with collector.connect() as connection:
            assert connection.request(method, target, b"x").status == status
    assert collector.wait_for(lambda: counters(collector).get("unknown_path")) == 3
    assert counters(collector)["unknown_method"] == 2
    assert "event=ingest.unknown_request" in collector.log.read_text()


def test_log_lines_cannot_be_forged(collector):
    with collector.connect() as connection:
        connection.send(b"GET /x%0aevent=forged\x7f HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.reply()
    assert not [line for line in collector.log.read_text().splitlines() if line.startswith("event=forged")]


def test_a_slow_head_and_a_slow_body_time_out(tmp_path, programs):
    limits = {"head_time": "1s", "body_time": "1s", "idle_time": "2s"}
    with openwer.Collector(tmp_path, programs, ingest={"limits": limits}) as collector:
        with collector.connect() as connection:
            connection.send(b"POST /stage2.htm HTTP/1.1\r\nHos")
            assert connection.reply().status == 408
        with collector.connect() as connection:
            connection.send(b"POST /stage2.htm HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nab")
            assert connection.reply().status == 408
        with collector.connect() as connection:  # idle: closed without an answer
            connection.request("POST", "/stage2.htm", level1())
            assert connection.socket.recv(100) == b""


def test_too_many_connections_are_told_so(tmp_path, programs):
    ingest = {"limits": {"connections": 4}, "threads": 1}
    with openwer.Collector(tmp_path, programs, ingest=ingest) as collector:
        open_ones = [collector.connect() for _ in range(12)]
        statuses = []
        for connection in open_ones:
            try:
                statuses.append(connection.request("POST", "/stage2.htm", level1()).status)
            except OSError:
                statuses.append(None)
            except ConnectionError:
                statuses.append(None)
        assert statuses.count(200) in (4, 5) and 503 in statuses
        for connection in open_ones:
            connection.close()
        assert collector.wait_for(lambda: collector.post(level1()).status == 200)


def test_limits_per_peer_are_off_until_configured(tmp_path, programs):
    with openwer.Collector(tmp_path, programs,
                           ingest={"limits": {"peer_reports_per_minute": 3}}) as collector:
        statuses = [collector.post(level1()).status for _ in range(8)]
        assert 429 in statuses and statuses[0] == 200


def test_only_allowed_peers(tmp_path, programs):
    with openwer.Collector(tmp_path, programs, ingest={"allow": ["10.0.0.0/8"]}) as collector:
        assert collector.post(level1()).status == 403


def test_a_trusted_proxy_names_the_real_peer(tmp_path, programs):
    with openwer.Collector(tmp_path, programs, ingest={"trusted_proxies": ["127.0.0.1/32"]}) as collector:
        header = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([192, 0, 2, 77]) + bytes([127, 0, 0, 1])
                  + (4711).to_bytes(2, "big") + (1273).to_bytes(2, "big"))
        with collector.connect() as connection:
            connection.send(header)
            assert connection.request("POST", "/stage2.htm", level1()).status == 200
        [report] = collector.reports(1)
        assert report["peer"] == "192.0.2.77"
        with collector.connect() as connection:  # without the header: not a client of ours
            try:
                assert connection.request("POST", "/stage2.htm", level1()).status in (400, 403)
            except ConnectionError:
                pass


def test_https_and_a_certificate_reload_that_drops_nobody(tmp_path, programs, certificate):
    folder = tmp_path / "tls"
    folder.mkdir()
    own = [folder / "certificate.pem", folder / "key.pem"]
    for mine, made in zip(own, certificate):
        mine.write_bytes(made.read_bytes())
    with openwer.Collector(tmp_path, programs, tls=own) as collector:
        assert collector.post(level1(), tls=True).status == 200
        old = collector.connect(tls=True)
        before = old.socket.getpeercert(binary_form=True)
        openwer.make_certificate(folder)
        collector.reload()

        def has_new_certificate():
            try:  # the client trusts the new one only
                with collector.connect(tls=True) as connection:
                    return connection.socket.getpeercert(binary_form=True) != before
            except ssl.SSLError:
                return False

        assert collector.wait_for(has_new_certificate)
        assert old.request("POST", "/stage2.htm", level1()).status == 200
        old.close()
        [first, second] = collector.reports(2)
        assert first["id"] != second["id"]


def test_a_bad_reload_is_refused_and_the_old_settings_go_on(collector):
    good = collector.path.read_text()
    collector.path.write_text(good.replace('"ingest"', '"ingestion"'))
    collector.reload()
    assert collector.wait_for(lambda: "ingest.reload_refused" in collector.log.read_text())
    assert collector.post(level1()).status == 200
    collector.path.write_text(good)
    collector.reload()
    assert collector.wait_for(lambda: "event=ingest.reloaded" in collector.log.read_text())


def test_sigterm_drains_what_is_under_way(collector):
    body = level1()
    connection = collector.connect()
    connection.send(b"POST /stage2.htm HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
    time.sleep(0.3)
    collector.process.terminate()
    time.sleep(0.3)
    connection.send(body)
    assert connection.reply().status == 200
    collector.stop()
    collector.start()
    assert len(collector.reports(1)) == 1


def test_a_role_that_dies_is_started_again(collector):
    collector.post(level1())
    import os
    import signal
    for role in ("ingest", "analyze"):
        pid = collector.role_pid(role)
        os.kill(pid, signal.SIGKILL)
        assert collector.wait_for(lambda: collector.role_pid(role) not in (pid, None))
    assert collector.wait_for(lambda: collector.post(level1()).status == 200)
    assert len(collector.reports(2)) == 2


def test_check_names_file_line_and_reason(collector):
    import subprocess
    collector.path.write_text("data: x\ningest:\n  listen: ['127.0.0.1:1']\n  lisen: 3\n")
    done = subprocess.run([collector.programs.werd, "-c", collector.path, "--check"], text=True,
                          capture_output=True)
    assert done.returncode == 78
    assert f"{collector.path}:4" in done.stderr and "lisen" in done.stderr


def test_corpora_exchanges(collector):
    bodies = sorted((openwer.CORPORA / "ms-cer-spec").glob("cer2_*_level1.utf*.xml"))
    bodies += sorted((openwer.CORPORA / "python-wer" / "tests/data/examples").glob("*.wer"))
    if not bodies:
        pytest.skip("no corpora")
    for path in bodies:
        assert collector.post(path.read_bytes()).status == 200, path.name
    assert len(collector.reports(len(bodies))) == len(bodies)
