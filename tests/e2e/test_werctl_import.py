"""`werctl import`: files, folders, the PHP collector's database; and nothing twice."""
import json
import os
import sqlite3
import subprocess

import pytest

import openwer
from werctl_support import Store, sha256

ID = "0123456789abcdef0123456789abcdef"
CAB = b"MSCF" + b"\0" * 500


@pytest.fixture
def store(tmp_path, programs):
    return Store(tmp_path, programs)


def counts(store, *paths, status=0):
    return store.json("import", *paths, status=status)[0]


def test_the_same_file_is_imported_once(store):
    path = store.write("a.xml")
    assert counts(store, path)["imported"] == 1
    again = counts(store, path, path)
    assert again["imported"] == 0 and again["known"] == 2
    assert len(store.json("reports")) == 1
    # Other bytes at the same place, and the same bytes at another place, are other reports.
    store.write("a.xml", machine="other")
    store.write("b.xml", machine="other")
    assert counts(store, store.inbox)["imported"] == 2


def test_a_batch_that_never_committed_is_imported_again(store):
    path = store.write("a.xml")
    counts(store, path)
    ledger = store.folder / "data" / "facts" / "imported"
    whole = ledger.read_bytes()
    # As if the process had died between the list's fsync and the commit, and within a write.
    other = store.write("b.xml", machine="other")
    counts(store, other)
    torn = ledger.read_bytes()
    assert len(torn) == 48 and torn[:24] == whole
    ledger.write_bytes(whole + torn[24:40] + (2**62).to_bytes(8, "little") + b"torn")
    assert counts(store, other)["imported"] == 1
    assert counts(store, path, other)["known"] == 2
    assert len(ledger.read_bytes()) == 48


def test_folders_are_searched_and_other_files_passed_over(store):
    store.write("x/y/z/a.XML")
    (store.inbox / "notes.txt").write_text("nothing")
    (store.inbox / "x" / "other.xml").write_text("<settings/>")
    (store.inbox / "x" / "loop").symlink_to(store.inbox)
    link = store.folder / "link"
    link.symlink_to(store.inbox)
    assert counts(store, link) == {"imported": 1, "rebuilt": 0, "cabs": 0, "known": 0,
                                          "refused": 0, "passed_over": 1}


def test_deep_folders_end_somewhere(store):
    deep = "/".join(["d"] * 30)
    store.write(f"{deep}/a.xml")
    done = store.run("import", store.inbox)
    assert "deeper than" in done.stderr and done.stdout.startswith("0 imported")


@pytest.mark.parametrize("body, why", [
    (b"", "empty"), (b"<WERREPORT", "truncated"), (b"PK\3\4 and so on", "not_xml"),
    (b"<WERREPORT/>", "no_event_type"),
    (b'<!DOCTYPE x [<!ENTITY a "b">]><WERREPORT/>', "doctype"),
    (b"<WERREPORT>" + b"<a>" * 50, "xml_limits"),
])
def test_what_is_broken_is_named_and_the_rest_goes_on(store, body, why):
    (store.inbox / "a.xml").write_bytes(body)
    store.write("b.xml")
    done = store.run("import", store.inbox, status=65)
    assert f"a.xml: {why}: " in done.stderr
    assert done.stdout == "1 imported, 0 cabinets, 1 refused\n"


def test_too_large_and_missing_files(store):
    (store.inbox / "a.xml").write_bytes(b"<WERREPORT>" + b" " * 600000)
    assert "larger than" in store.run("import", store.inbox, status=65).stderr
    assert "nowhere.xml" in store.run("import", store.inbox / "nowhere.xml", status=66).stderr


def test_every_encoding_comes_back_byte_for_byte(store):
    bodies = set()
    for number, (encoding, bom) in enumerate([(e, b) for e in ("utf-8", "utf-16-le", "utf-16-be")
                                              for b in (True, False)]):
        path = store.write(f"{number}.xml", encoding=encoding, bom=bom, user="m\u00fcller \U0001f600")
        bodies.add(path.read_bytes())
    assert counts(store, store.inbox)["imported"] == 6
    for report in store.json("reports"):
        raw = store.run("report", report["id"], "--raw", text=False).stdout
        assert raw in bodies and sha256(raw) == report["raw_sha256"]
        assert report["user"] == "m\u00fcller \U0001f600"
    # All of them say the same: one bucket.
    assert len(store.json("buckets")) == 1


def test_an_empty_cabinet_is_left_out_and_a_strange_one_is_flagged(store):
    store.write("a.xml")
    (store.inbox / "a.cab").write_bytes(b"")
    store.write("b.xml", machine="other")
    (store.inbox / "b.cab").write_bytes(b"PK\3\4")
    store.write("c.xml", machine="folder")
    (store.inbox / "c.cab").mkdir()
    done = store.run("import", store.inbox)
    assert "a.cab: empty; left out" in done.stderr
    assert "c.cab: cannot be read; left out" in done.stderr
    cabs = {r["machine"]: r["cab"] for r in store.json("reports")}
    assert cabs["folder"] is None
    assert cabs["ws-0001.corp.example"] is None and cabs["other"]["is_cabinet"] is False


def test_it_refuses_while_another_writer_holds_the_store(store, programs, tmp_path):
    port = openwer.free_port()
    config = {"ingest": {"listen": [f"127.0.0.1:{port}"]}}
    busy = Store(tmp_path, programs, config)
    busy.write("a.xml")
    werd = subprocess.Popen([programs.werd, *programs.no_jail, "-c", busy.path], stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.DEVNULL)
    try:
        assert werd.stdout.readline().rstrip().endswith("ready")
        assert "stop werd first" in busy.run("import", busy.inbox, status=75).stderr
    finally:
        werd.terminate()
        werd.wait(30)
        werd.stdout.close()
    assert counts(busy, busy.inbox)["imported"] == 1


# ---- the PHP collector ----

def php(folder, rows, columns="machinename, os, lcid, username, appname, apppath, eventtype, "
                             "eventtime, reporttype, parameters, dumpfile"):
    folder.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(folder / "wer.sqlite")
    names = [name.strip() for name in columns.split(",")]
    database.execute(f"CREATE TABLE reports (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns})")
    for row in rows:
        database.execute(f"INSERT INTO reports ({columns}) VALUES ({', '.join('?' * len(names))})",
                         [row.get(name) for name in names])
    database.commit()
    database.close()
    return folder / "wer.sqlite"


def tree(folder, identity, body=None, cab=None):
    place = folder / "reports" / identity[:2] / identity[2:4] / identity
    place.mkdir(parents=True)
    if body is not None:
        (place / "report.xml").write_bytes(body)
    if cab is not None:
        (place / "report.cab").write_bytes(cab)
    return place


ROW = {"machinename": "php-1", "os": "10.0.10586.2.0.0.256.72", "lcid": 1033, "username": "CORP\\a",
       "appname": "calc", "apppath": "C:\\calc.exe", "eventtype": "APPCRASH",
       "eventtime": 131000000000000000, "reporttype": 2,
       "parameters": json.dumps(["calc.exe", "1.0", "4ce7979d", "ntdll.dll", "6.1", "521ea91c",
                                 "c00000fd", "00052c26"])}


def test_the_original_is_preferred_and_its_cabinet_comes_along(store):
    body = openwer.level1(machine="original")
    database = php(store.inbox, [{**ROW, "dumpfile": f"/reports/01/23/{ID}/report.cab"}])
    place = tree(store.inbox, ID, body, CAB)
    got = counts(store, database)
    assert got["imported"] == 1 and got["rebuilt"] == 0 and got["cabs"] == 1
    report, = store.json("reports")
    assert report["machine"] == "original" and report["raw_sha256"] == sha256(body)
    assert report["cab"]["sha256"] == sha256(CAB)
    assert report["origin"] == str(place / "report.xml")
    # Again, as database and as folder: nothing new.
    assert counts(store, database)["imported"] == 0
    assert counts(store, store.inbox)["imported"] == 0


@pytest.mark.parametrize("body", [None, b"", b"<WERREPORT><broken"])
def test_a_row_without_its_original_is_written_anew(store, body):
    database = php(store.inbox, [{**ROW, "dumpfile": ID}])
    tree(store.inbox, ID, body, CAB)
    got = counts(store, database)
    assert got["imported"] == 1 and got["rebuilt"] == 1 and got["cabs"] == 1
    report, = store.json("reports")
    assert report["machine"] == "php-1" and report["user"] == "CORP\\a" and report["lcid"] == 1033
    assert report["event_filetime"] == "131000000000000000" and report["report_type"] == 2
    assert report["params"][3] == "ntdll.dll" and report["params"][7] == "00052c26"
    assert report["origin"] == f"{database}#reports/1"
    assert report["cab"]["sha256"] == sha256(CAB)
    assert counts(store, database)["known"] == 1
    assert len(store.json("reports")) == 1


def test_other_names_of_columns_and_other_forms_of_values(store):
    database = php(store.inbox, [{
        "MachineName": "php-2", "EVENT_TYPE": "WindowsUpdateFailure3", "Event Time": None,
        "ReportType": "0", "P1": "7.9.9600.18340", "P2": "80072ee2"}],
        columns='MachineName, EVENT_TYPE, ReportType, P1, P2')
    assert counts(store, database)["rebuilt"] == 1
    report, = store.json("reports")
    assert report["event_type"] == "WindowsUpdateFailure3" and report["machine"] == "php-2"
    assert report["params"] == ["7.9.9600.18340", "80072ee2"] and report["event_time"] is None


def test_folders_that_no_row_names_are_taken_too(store):
    database = php(store.inbox, [])
    tree(store.inbox, "f" * 32, openwer.level1(machine="orphan"))
    assert counts(store, database)["imported"] == 1


def test_a_folder_that_is_elsewhere_in_the_tree_is_found(store):
    database = php(store.inbox, [{**ROW, "dumpfile": ID}])
    place = store.inbox / "reports" / "2016" / ID
    place.mkdir(parents=True)
    (place / "report.xml").write_bytes(openwer.level1(machine="elsewhere"))
    got = counts(store, database)
    assert got["imported"] == 1 and got["rebuilt"] == 0


def test_rows_without_an_event_type_are_refused(store):
    database = php(store.inbox, [{**ROW, "eventtype": None}, ROW])
    done = store.run("import", database)
    assert "no event type" in done.stderr
    assert done.stdout == "1 imported, 0 cabinets, 1 rebuilt from their rows, 1 refused\n"


def test_a_hostile_database_runs_nothing(store):
    folder = store.inbox
    database = php(folder, [ROW])
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE VIEW evil AS SELECT 'x' AS eventtype, randomblob(1000000000) AS a")
        connection.execute('CREATE TABLE "odd ""name" (eventtype, x)')
        connection.execute('INSERT INTO "odd ""name" VALUES (\'Odd\', 1)')
    connection.close()
    assert counts(store, database)["imported"] == 2
    with open(database, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096))
    (store.folder / "second").mkdir()
    second = Store(store.folder / "second", store.programs)
    assert second.run("import", database, status=65).stderr
    broken = folder / "not.sqlite"
    broken.write_bytes(b"SQLite format 3\0" + b"x" * 200)
    assert second.run("import", broken, status=65).stderr
