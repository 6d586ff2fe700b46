"""Reports, buckets and everything that shows them, over a store made by `import`."""
import json
import re
import signal
import subprocess

import pytest

import openwer
from werctl_support import Store, sha256

CONTRACT = ["id", "received", "event_type", "report_type", "event_time", "peer",
            "friendly_event_name", "event_description", "app_name", "app_path", "app_company",
            "machine", "os", "lcid", "oem", "user", "bucket", "params", "secondary_params", "files",
            "reply", "raw_sha256", "cab"]
BUCKET_CONTRACT = ["id", "hashed", "event_type", "params", "hits", "machines", "cabs", "first_seen",
                   "last_seen"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
CRASH = ["editor.exe", "1.2.3.4", "5f5e1000", "ntdll.dll", "10.0.19041.1", "6a1b2c3d", "c0000005"]
STORE_AGENT = ["Update;", "8024402c", "16299", "847", "Windows.Desktop"]
CAB = b"MSCF" + bytes(range(256)) * 40
FILETIME = 134085000000000000


@pytest.fixture(scope="module")
def store(tmp_path_factory, programs):
    """12 crashes in 3 buckets on 4 machines, a bugcheck with a cabinet, a failed update."""
    made = Store(tmp_path_factory.mktemp("store"), programs)
    for i in range(12):
        made.write(f"crash-{i:02}.xml", params=CRASH + [f"{0x1000 + i % 3:016x}"],
                   machine=f"ws-{i % 4}.corp.example", event_time=FILETIME + i * 10**7)
    made.write("blue.xml", event="BlueScreen", params=[], report_type=4, app="Windows",
               machine="w\u00fcrzburg\u202e\u009b31m", user="CORP\\m\u00fcller",
               path="C:\\Windows\\System32\\WerFault.exe",
               secondary=[("BCCode", "000000d1"), ("BCP1", "0")],
               files=[("Mini.dmp", 2), ("sysdata.xml", 5)])
    (made.inbox / "blue.cab").write_bytes(CAB)
    made.write("store.xml", event="StoreAgentScanForUpdateFailure0", params=STORE_AGENT,
               report_type=0, encoding="utf-8", bom=False)
    made.imported = made.json("import", made.inbox)[0]
    return made


def one(store, *filters):
    found = store.json("reports", *filters)
    assert len(found) == 1, found
    return found[0]


# ---- reports ----

def test_import_says_what_it_did(store):
    assert store.imported["imported"] == 14 and store.imported["cabs"] == 1


def test_reports_come_newest_first_with_every_field(store):
    reports = store.json("reports")
    assert len(reports) == 14
    ids = [int(r["id"]) for r in reports]
    assert ids == sorted(ids, reverse=True) and all(isinstance(r["id"], str) for r in reports)
    for report in reports:
        assert [key for key in CONTRACT if key not in report] == []
        assert TIME.match(report["received"]) and TIME.match(report["event_time"])
        assert isinstance(report["report_type"], int) and isinstance(report["lcid"], int)
        assert isinstance(report["bucket"], str) and isinstance(report["event_filetime"], str)
        assert report["peer"] is None and report["machine_identity"] == "claimed"


def test_a_report_reads_back_in_every_field(store):
    report = one(store, "--event", "BlueScreen")
    assert report["machine"] == "w\u00fcrzburg\u202e\u009b31m"
    assert report["user"] == "CORP\\m\u00fcller"
    assert report["secondary_params"] == [{"name": "BCCode", "value": "000000d1"},
                                          {"name": "BCP1", "value": "0"}]
    assert report["files"] == [{"name": "Mini.dmp", "type": 2}, {"name": "sysdata.xml", "type": 5}]
    assert report["params"] == [] and report["oem"] is None and report["reply"] is None
    assert report["code"] == "d1"
    assert report["code_name"] == "DRIVER_IRQL_NOT_LESS_OR_EQUAL"
    assert report["encoding"] == "utf-16le" and report["byte_order_mark"] is True
    body = (store.inbox / "blue.xml").read_bytes()
    assert report["raw_sha256"] == sha256(body)
    assert report["cab"]["sha256"] == sha256(CAB) and report["cab"]["bytes"] == len(CAB)
    assert report["cab"]["is_cabinet"] is True
    assert report["origin"] == str(store.inbox / "blue.xml")
    assert store.run("report", report["id"], "--raw", text=False).stdout == body
    assert store.json("report", report["id"]) == [report]


@pytest.mark.parametrize("count, filters", [
    (12, ["--event", "appcrash"]), (12, ["--event", "APP*"]), (1, ["--event", "BlueScreen"]),
    (1, ["--event", "StoreAgentScanForUpdatesFailure0"]), (13, ["--app", "EDITOR.EXE"]),
    (13, ["--app", "Example Editor"]), (13, ["--app", "c:\\program files\\*"]),
    (12, ["--module", "ntdll.dll"]), (3, ["--machine", "WS-1.corp.example"]),
    (12, ["--machine", "ws-?.corp.example"]), (0, ["--machine", "ws-1"]),
    (1, ["--user", "*m\u00fcller"]), (12, ["--code", "0xC0000005"]), (1, ["--code", "d1"]),
    (1, ["--text", "WERFAULT"]), (0, ["--text", "sysdata"]), (4, ["--text", "00001001"]), (14, ["--since", "1h"]),
    (0, ["--until", "1h"]), (0, ["--since", "2040-01-01"]), (14, ["--until", "2100-01-01T00:00:00Z"]),
    (3, ["--code", "c0000005", "--machine", "ws-3*", "--event", "APPCRASH"]),
])
def test_filters(store, count, filters):
    assert len(store.json("reports", "--limit", "0", *filters)) == count


def test_pages_go_on_behind_their_cursor(store):
    everything = store.json("reports", "--limit", "0")
    paged, after = [], []
    while True:
        page = store.json("reports", "--limit", "4", *after)
        if not page:
            break
        paged += page
        assert page[-1]["cursor"] == page[-1]["id"]
        after = ["--after", page[-1]["cursor"]]
    assert paged == everything
    note = store.run("reports", "--limit", "4").stderr
    assert note == f"4 shown; the next page: --after {everything[3]['id']}\n"
    assert store.run("reports", "--limit", "14").stderr == ""


def test_people_get_aligned_columns_without_control_characters(store):
    text = store.run("reports").stdout
    lines = text.splitlines()
    assert lines[0].split()[:4] == ["ID", "RECEIVED", "MACHINE", "EVENT"] and len(lines) == 15
    place = lines[0].index("EVENT")
    assert all(line[place - 1] == " " != line[place] for line in lines if "w\u00fcrz" not in line)
    assert "\u202e" not in text and "\u009b" not in text and "\x1b" not in text
    assert "? w\u00fcrzburg<U+202E><U+009B>31m" in text
    assert re.search(r"^\d{19}  \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  \? ws-0", text, re.M)


@pytest.mark.parametrize("columns", [60, 80, 100, 140])
def test_a_table_fits_its_terminal(store, columns):
    for command in ("reports", "buckets"):
        seen = store.terminal(command, columns=columns, env={"NO_COLOR": "1"})
        rows = [line for line in seen.splitlines() if "shown" not in line]
        assert "\x1b" not in seen
        assert max(map(len, rows)) <= columns, rows


def test_colors_are_for_a_terminal_that_wants_them(store):
    assert "\x1b[1mID\x1b[0m" in store.terminal("reports")
    assert "\x1b" not in store.terminal("reports", env={"NO_COLOR": "1"})
    assert "\x1b" not in store.terminal("reports", env={"TERM": "dumb"})
    assert "\x1b" not in store.run("reports", env={"TERM": "xterm"}).stdout


def test_a_terminal_gets_json_in_ascii(store):
    seen = store.terminal("reports", "--event", "BlueScreen", "--json", columns=20000)
    assert seen.isascii() and json.loads(seen)["machine"] == "w\u00fcrzburg\u202e\u009b31m"


def test_report_names_codes_and_dates(store):
    report = store.json("reports", "--event", "APPCRASH", "--limit", "1")[0]
    text = store.run("report", report["id"]).stdout
    for words in ("claimed by the machine itself", "Windows 10", "a program crashed",
                  "application crash", "STATUS_ACCESS_VIOLATION", "2020-09-13T12:26:40Z",
                  "Exception Code", "none: the report was imported", "not asked for",
                  str(store.inbox)):
        assert words in text, words
    blue = store.run("report", one(store, "--event", "BlueScreen")["id"]).stdout
    for words in ("DRIVER_IRQL_NOT_LESS_OR_EQUAL", "Mini.dmp   minidump (2)", sha256(CAB), "kernel"):
        assert words in blue, words


def test_what_is_not_there_says_so(store):
    assert "there is no report 5" in store.run("report", 5, status=66).stderr
    assert "there is no bucket 999999" in store.run("bucket", 999999, status=66).stderr
    assert "hashed" in store.run("bucket", "0" * 32, status=66).stderr
    assert "legacy" in store.run("bucket", 2**60 + 1, status=66).stderr
    assert store.run("reports", "--machine", "nobody").stderr == "no reports\n"


# ---- buckets ----

def test_buckets_come_by_hits_with_every_field(store):
    buckets = store.json("buckets")
    assert [b["hits"] for b in buckets] == [4, 4, 4, 1, 1]
    for bucket in buckets:
        assert [key for key in BUCKET_CONTRACT if key not in bucket] == []
        assert TIME.match(bucket["first_seen"]) and TIME.match(bucket["as_of"])
        assert re.match(r"[0-9a-f]{32}$", bucket["hashed"]) and int(bucket["id"]) >= 1000
    crash = buckets[0]
    assert crash["event_type"] == "APPCRASH" and crash["params"][:7] == CRASH
    assert crash["machines"] == 4 and crash["users"] == 1 and crash["hashed_verified"] is False
    assert crash["key_text"].startswith("appcrash/editor.exe/1.2.3.4/")
    assert crash["label"].startswith("APPCRASH: editor.exe / 1.2.3.4 / ")


def test_windows_own_numbers_name_a_bucket(store):
    hashed = "e7b725b96c0bab97abd606ca1003a440"
    bucket, = store.json("bucket", hashed)
    assert bucket["legacy"] == "2005798148961969216" and bucket["hashed_verified"] is True
    assert bucket["event_type"] == "StoreAgentScanForUpdatesFailure0"
    assert store.json("bucket", bucket["legacy"]) == [bucket]
    assert store.json("bucket", bucket["id"]) == [bucket]
    assert one(store, "--bucket", hashed)["bucket"] == bucket["id"]
    # The sent spelling is kept.
    assert one(store, "--bucket", bucket["id"])["event_type"] == "StoreAgentScanForUpdateFailure0"


@pytest.mark.parametrize("sort", ["hits", "machines", "first", "last"])
def test_bucket_pages_go_on_behind_their_cursor(store, sort):
    everything = store.json("buckets", "--sort", sort)
    paged, after = [], []
    while True:
        page = store.json("buckets", "--sort", sort, "--limit", "2", *after)
        if not page:
            break
        paged += page
        after = ["--after", page[-1]["cursor"]]
    assert [b["id"] for b in paged] == [b["id"] for b in everything]
    assert f"--after {everything[1]['cursor']}\n" in store.run("buckets", "--sort", sort, "--limit",
                                                              2).stderr


def test_bucket_filters(store):
    assert len(store.json("buckets", "--event", "APPCRASH")) == 3
    assert len(store.json("buckets", "--code", "d1")) == 1
    assert store.json("buckets", "--until", "1h") == []


def test_bucket_shows_what_made_it_and_its_reports(store):
    first = store.json("buckets", "--limit", "1")[0]
    bucket, = store.json("bucket", first["id"])
    assert len(bucket["recent_reports"]) == 4
    assert {r["bucket"] for r in bucket["recent_reports"]} == {first["id"]}
    text = store.run("bucket", first["id"]).stdout
    for words in (first["hashed"], first["legacy"], first["key_text"], "STATUS_ACCESS_VIOLATION",
                  "Exception Offset", "Recent reports", "by formula"):
        assert words in text, words
    assert len(store.json("bucket", first["id"], "--limit", "1")[0]["recent_reports"]) == 1


# ---- cabinets, export ----

def test_a_cabinet_comes_out_whole_and_replaces_nothing(store, tmp_path):
    report = one(store, "--event", "BlueScreen")
    path = tmp_path / "out.cab"
    store.run("cab", report["id"], "-o", path)
    assert path.read_bytes() == CAB and path.stat().st_mode & 0o077 == 0
    assert "--force replaces it" in store.run("cab", report["id"], "-o", path, status=73).stderr
    path.write_bytes(b"")
    store.run("cab", report["id"], "-o", path, "--force")
    assert path.read_bytes() == CAB
    assert store.run("cab", report["id"], "-o", "-", text=False).stdout == CAB
    assert "no text for a terminal" in store.terminal("cab", report["id"], "-o", "-")
    assert [p.name for p in tmp_path.iterdir()] == ["out.cab"]
    other = store.json("reports", "--event", "APPCRASH", "--limit", "1")[0]
    assert "has no cabinet" in store.run("cab", other["id"], "-o", path, status=66).stderr


def test_a_changed_cabinet_is_noticed(programs, tmp_path):
    store = Store(tmp_path, programs)
    store.write("a.xml")
    (store.inbox / "a.cab").write_bytes(CAB)
    store.run("import", store.inbox)
    report = one(store)
    digest = report["cab"]["sha256"]
    blob = next(p for p in (tmp_path / "data" / "blobs").rglob("*")
                if p.is_file() and digest.endswith(p.name))
    blob.chmod(0o600)
    blob.write_bytes(CAB[:-1] + b"!")
    assert "SHA-256" in store.run("cab", report["id"], "-o", tmp_path / "out.cab", status=65).stderr
    assert not (tmp_path / "out.cab").exists()
    assert "SHA-256" in store.run("export", "--tree", tmp_path / "tree", status=65).stderr
    assert list((tmp_path / "tree").rglob("report.xml"))


def test_export_writes_plain_files_and_comes_back_equal(store, programs, tmp_path):
    tree = tmp_path / "tree"
    done = store.json("export", "--tree", tree)[0]
    assert done["exported"] == 14
    report = one(store, "--event", "BlueScreen")
    folder = tree / report["received"][:10] / report["id"]
    assert (folder / "report.xml").read_bytes() == (store.inbox / "blue.xml").read_bytes()
    assert (folder / "report.cab").read_bytes() == CAB
    assert (folder / "reply.txt").read_bytes() == b""
    assert json.loads((folder / "meta.json").read_text()) == report
    assert store.json("export", "--tree", tree)[0] == {**done, "exported": 0, "present": 14}
    assert store.json("export", "--tree", tmp_path / "few", "--event", "BlueScreen")[0]["exported"] == 1
    (tmp_path / "again").mkdir()
    again = Store(tmp_path / "again", programs)
    assert again.json("import", tree)[0]["imported"] == 14
    assert ({r["raw_sha256"] for r in again.json("reports", "--limit", 0)}
            == {r["raw_sha256"] for r in store.json("reports", "--limit", 0)})
    assert one(again, "--event", "BlueScreen")["cab"]["sha256"] == sha256(CAB)


# ---- diff, explain, stats, rebuild ----

def test_diff_compares_ids_and_files(store):
    report = store.json("reports", "--event", "APPCRASH", "--limit", "1")[0]
    same = store.json("diff", report["id"], report["origin"])
    assert same and all(row["equal"] for row in same)
    rows = {r["attribute"]: r for r in store.json("diff", report["id"], store.inbox / "blue.xml")}
    assert rows["machine"]["a"] == report["machine"] and rows["machine"]["equal"] is False
    assert rows["param 6"] == {"attribute": "param 6", "name": "Exception Code", "a": "c0000005",
                               "b": None, "equal": False}
    assert rows["file Mini.dmp"]["b"] == "2" and rows["os"]["equal"] is True
    text = store.run("diff", report["id"], store.inbox / "blue.xml").stdout
    assert "param 6 (Exception Code)" in text and "different" in text and "* os " not in text
    assert " os " in store.run("diff", "--all", report["id"], store.inbox / "blue.xml").stdout


def test_explain_says_which_rule_decided_each_line(store, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("default: {cabs: 0}\nrules:\n"
                     "- name: editor\n  match: {app: editor.exe}\n"
                     "  reply:\n    cabs: 5\n    get_file: ['C:\\b\u00fcro\\x.txt']\n")
    config = tmp_path / "werd.yaml"
    config.write_text(json.dumps({"data": str(store.folder / "data"), "collection": str(rules)}))
    got, = store.json("collection", "explain", store.inbox / "crash-00.xml")
    assert got["cab_asked"] is True and got["reply"].startswith("iData=1\r\nBucket=")
    assert {line["decided_by"] for line in got["lines"] if line["key"] == "iData"} == {"built-in default"}
    report = store.json("reports", "--event", "APPCRASH", "--limit", "1")[0]

    def explain(operand, status=0):
        return subprocess.run([store.programs.werctl, "-c", config, "collection", "explain", operand],
                              capture_output=True, text=True, check=status == 0).stdout

    for operand in (report["id"], str(store.inbox / "crash-00.xml")):
        text = explain(operand)
        assert re.search(r"GetFile=C:\\b\u00fcro\\x.txt +rule editor \(.*rules.yaml:3\)", text), text
        assert "iData=1" in text
    text = explain(str(store.inbox / "blue.xml"))
    assert "iData" not in text and "cabs is 0" in text


def test_explain_needs_no_store(programs, tmp_path):
    store = Store(tmp_path, programs)
    store.write("a.xml")
    got, = store.json("collection", "explain", store.inbox / "a.xml")
    assert got["bucket"] is None and got["cab_asked"] is True
    bad = tmp_path / "bad.xml"
    bad.write_bytes(b"<WERREPORT/>")
    assert "no_event_type" in store.run("collection", "explain", bad, status=65).stderr
    body = (store.inbox / "a.xml").read_bytes()
    assert b"iData=1" in store.run("collection", "explain", "-", stdin=body, text=False).stdout


def test_check_names_file_line_and_reason(store, tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("rules:\n- name: a\n  match: {app: x}\n  reply: {cabs: 1}\n")
    bad.write_text("rules:\n- name: a\n  macth: {app: x}\n")
    assert store.json("collection", "check", good) == [{"file": str(good), "rules": 1}]
    assert re.search(r"bad.yaml: line 3: .*macth", store.run("collection", "check", bad, status=78).stderr)
    assert store.run("collection", "check", status=66).stderr  # the configuration names none


def test_stats_count(store):
    stats, = store.json("stats")
    assert stats["reports"] == 14 and stats["buckets"] == 5 and stats["cabs"] == 1
    assert stats["cab_bytes"] == len(CAB) and stats["counters"]["imported"] == 14
    assert stats["disk"]["facts_bytes"] > 0 and stats["disk"]["free_bytes"] > 0
    assert TIME.match(stats["as_of"])
    assert re.search(r"reports +14\n", store.run("stats").stdout)


def test_rebuild_gives_the_same(store):
    def views():
        return (store.json("reports", "--limit", 0),
                [{k: v for k, v in b.items() if k != "as_of"} for b in store.json("buckets")])

    store.json("rebuild")  # nothing else analyses what was imported here
    before = views()
    assert "done" in {r["analysis"]["state"] for r in before[0]}
    assert store.json("rebuild")[0]["reports"] == 14
    assert views() == before


def test_quarantine_of_a_fresh_store_is_empty(store):
    assert store.json("quarantine") == []
    assert store.run("quarantine", 1, status=66).stderr


# ---- tail ----

def test_tail_follows_filters_and_ends_cleanly(programs, tmp_path):
    store = Store(tmp_path, programs)
    store.write("a.xml", machine="two")
    store.run("import", store.inbox / "a.xml")
    follow = subprocess.Popen([programs.werctl, "-c", store.path, "tail", "--json", "--machine", "t*",
                               "--since", "1h"], stdout=subprocess.PIPE, text=True)
    assert json.loads(follow.stdout.readline())["machine"] == "two"
    for name in ("other", "three"):
        store.write(f"{name}.xml", machine=name)
        store.run("import", store.inbox / f"{name}.xml")
    assert json.loads(follow.stdout.readline())["machine"] == "three"
    follow.send_signal(signal.SIGINT)
    rest, _ = follow.communicate(timeout=10)
    assert rest == "" and follow.returncode == 0
    past = store.run("tail", "--since", "1h", "--until", "0s")
    assert [line.split()[4] for line in past.stdout.splitlines()[1:]] == ["two", "other", "three"]
    # From now on alone: nothing of what was there before.
    assert store.run("tail", "--until", "0s").stdout == ""


# ---- usage ----

def test_every_field_stands_in_the_manual(store):
    manual = (openwer.ROOT / "man" / "werctl.1").read_text()
    words = set(re.findall(r"\w+", manual))
    bucket = store.json("buckets", "--limit", "1")[0]
    full = store.json("bucket", bucket["id"])[0]
    for item in (store.json("reports", "--limit", "1")[0], bucket, full):
        assert set(item) - words == set()


@pytest.mark.parametrize("words, why", [
    ([], "no command given"), (["nonsense"], "no such command"), (["reports", "--nonsense"], "unknown"),
    (["reports", "--sort", "hits"], "takes no --sort"), (["report"], "needs ID"),
    (["report", "abc"], "no report id"), (["reports", "--limit", "x"], "no number"),
    (["reports", "--since", "sometimes"], "no time"), (["reports", "--text", "ab"], "3 characters"),
    (["buckets", "--sort", "size"], "none of"), (["reports", "--after", "x"], "no cursor"),
    (["cab", "1"], "needs --output"), (["export"], "needs --tree"), (["bucket", "x"], "no bucket"),
    (["client-setup", "--format", "reg"], "--server"), (["collection"], "explain"),
    (["client-setup", "--format", "reg", "--server", "a b"], "no host name"),
])
def test_wrong_usage_is_64_and_says_why(store, words, why):
    done = store.run(*words, status=64)
    assert why in done.stderr and done.stdout == ""


def test_help_and_version(store):
    listed = store.run("help").stdout
    for command in re.findall(r"^  ([a-z-]+(?: explain| check)?) ", listed, re.M):
        assert store.run("help", *command.split()).stdout.startswith(f"usage: werctl {command}")
        assert store.run(*command.split(), "--help").stdout.startswith("usage: werctl")
    assert re.match(r"werctl \d+\.\d+\.\d+\n$", store.run("version").stdout)
    assert store.run("--version").stdout == store.run("version").stdout


def test_the_configuration_is_found_by_option_and_environment(store, programs):
    def run(*words, env=None):
        return subprocess.run([programs.werctl, *words], capture_output=True, text=True, env=env)

    assert run("reports", env={"OPENWER_CONFIG": str(store.path)}).returncode == 0
    assert run("reports", env={"OPENWER_CONFIG": "/nowhere.yaml"}).returncode == 66
    assert run("-c", "/nowhere.yaml", "reports").returncode == 66
    assert run("reports", "-c", str(store.path)).returncode == 0
