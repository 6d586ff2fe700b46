"""Stacks of real dumps against what other stack walkers recorded, where ../shared/corpora is.

`./dev test corpora` prints the table; docs/stackwalk.md explains each difference.
"""
import collections
import json
import pathlib
import re
import subprocess

import pytest

import openwer

CORPORA = openwer.CORPORA
SNAPS = "rust-minidump/minidump-stackwalk/tests/snapshots/test_minidump_stackwalk__"
NATIVE = "symbolicator-mit/crates/symbolicator-native/tests/integration/snapshots/integration__process_minidump__minidump_"

Frame = collections.namedtuple("Frame", "address module function file line trust")


def need(*paths):
    for path in paths:
        if not (CORPORA / path).exists():
            pytest.skip(f"{path} (no corpora)")


def dump(programs, path, *symbols):
    need(path, *symbols)
    words = [w for folder in symbols for w in ("--symbols", CORPORA / folder)]
    done = subprocess.run([programs.werctl, "dump", CORPORA / path, *words, "--json"], text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def stack(found, index=None):
    """Frames of the crashing thread, or of the one at INDEX."""
    threads = found["threads"]
    thread = threads[index] if index is not None else next(t for t in threads if t["crashing"])
    return [Frame(int(f["address"], 16), f["module"], f["function"], f["file"], f["line"], f["trust"])
            for f in thread["frames"]]


def snap_json(path):
    need(path)
    text = (CORPORA / path).read_text()
    return json.loads(text[text.index("{", text.index("---", 3)):])


def rust_frame(number, frame):
    """rust-minidump prints what it looks up: one less than the return address."""
    address = int(frame["offset"], 16) + (1 if number else 0)
    return Frame(address, frame["module"], frame["function"], frame["file"], frame["line"], frame["trust"])


TRUSTS = {"context": "context", "cfi": "cfi", "frame_pointer": "frame_pointer", "scan": "scan",
          "frame_data": "cfi"}


def compare(name, got, wanted, fields):
    """Counts equal frames; a frame is equal when every field that is expected is."""
    equal, wrong = 0, []
    for i, want in enumerate(wanted):
        have = got[i] if i < len(got) else None
        bad = [f for f in fields if have is None or getattr(want, f) is not None
               and normal(f, getattr(have, f)) != normal(f, getattr(want, f))]
        equal += not bad
        if bad:
            wrong.append(f"{name} frame {i}: {', '.join(bad)}: {have} instead of {want}")
    if len(got) != len(wanted):
        wrong.append(f"{name}: {len(got)} frames instead of {len(wanted)}")
    print(f"frames {name}: {equal} of {len(wanted)} equal, {len(got)} found")
    assert not wrong, "\n".join(wrong)


def normal(field, value):
    if field == "trust":
        return TRUSTS.get(value, value)
    if field == "function" and value is not None:
        return re.sub(r"\([^()]*\)( const)?$", "", value)
    return value


@pytest.mark.parametrize("snap,symbols", [("json", False), ("json-pretty", False), ("json-pretty-symbols", True)])
def test_windows_x86_as_rust_minidump_walks_it(release, snap, symbols):
    expected = snap_json(SNAPS + snap + ".snap")
    folders = ["rust-minidump/testdata/symbols"] if symbols else []
    found = dump(release, "rust-minidump/testdata/test.dmp", *folders)
    for index, thread in enumerate(expected["threads"]):
        if not thread["frames"]:
            continue  # it walks no thread but the one that crashed
        wanted = [rust_frame(i, f) for i, f in enumerate(thread["frames"])]
        compare(f"test.dmp ({snap}), thread {index}", stack(found, index), wanted,
                ["address", "module", "function", "file", "line", "trust"])


def test_linux_amd64_without_symbols_as_rust_minidump_scans_it(release):
    expected = snap_json(SNAPS + "linux_json_pretty.snap")
    found = dump(release, "rust-minidump/testdata/linux-mini.dmp")
    wanted = [rust_frame(i, f) for i, f in enumerate(expected["threads"][0]["frames"])]
    compare("linux-mini.dmp", stack(found, 0), wanted, ["address", "module", "trust"])


def machine_readable(path, thread):
    need(path)
    rows = [line.split("|") for line in (CORPORA / path).read_text(errors="replace").splitlines()
            if re.match(r"\d+\|\d+\|", line)]
    return [Frame(None, r[2] or None, r[3] or None, r[4] or None, int(r[5]) if r[5] else None, None)
            for r in rows if r[0] == str(thread)]


@pytest.mark.parametrize("path,symbols,expected", [
    ("breakpad/minidump2.dmp", "breakpad/symbols", "breakpad/minidump2.stackwalk.machine_readable.out"),
    ("derived-microdump/microdump-arm64.mdmp", "breakpad/symbols/microdump",
     "breakpad/microdump.stackwalk.machine_readable-arm64.out"),
    ("derived-microdump/microdump-arm.mdmp", "breakpad/symbols/microdump",
     "breakpad/microdump.stackwalk.machine_readable-arm.out"),
])
def test_as_breakpad_walks_it(release, path, symbols, expected):
    wanted = machine_readable(expected, 0)
    found = dump(release, path, symbols)
    compare(pathlib.Path(path).name, stack(found, 0)[:len(wanted)], wanted,
            ["module", "function", "file", "line"])


LISTED = {
    "breakpad/linux_null_read_av.dmp": ("breakpad/symbols", [
        ("crash", "null_read_av.cc", 18), ("main", "null_read_av.cc", 27), ("__libc_start_main", None, None)]),
    "symbolic/py/tests/res/minidump/crash_linux.dmp": ("symbolic/py/tests/res/minidump", [
        ("(anonymous namespace)::crash", "crash_linux.cpp", 21), ("(anonymous namespace)::start", "crash_linux.cpp", 25),
        ("main", "crash_linux.cpp", 33), (None, None, None)]),
    "symbolicator-mit/tests/fixtures/linux.dmp": ("symbolic/symbolic-testutils/fixtures/linux", [
        ("main", None, None), (None, None, None)]),
    "rust-minidump/testdata/linux-mini.dmp": ("symbolic/symbolic-testutils/fixtures/linux", [
        ("main", None, None), (None, None, None)]),
}


@pytest.mark.parametrize("path", LISTED)
def test_as_lldb_walks_it(release, path):
    symbols, rows = LISTED[path]
    wanted = [Frame(None, None, function, file, line, None) for function, file, line in rows]
    got = [f._replace(file=f.file and re.split(r"[/\\]", f.file)[-1]) for f in stack(dump(release, path, symbols))]
    compare(pathlib.Path(path).name, got[:len(wanted)], wanted, ["function", "file", "line"])


@pytest.mark.parametrize("form", ["new", "old"])
def test_inlined_calls(release, tmp_path, form):
    folder = "breakpad/symbols/linux_inline/BBA6FA10B8AAB33D00000000000000000"
    need(f"{folder}/linux_inline.{form}.sym")
    place = tmp_path / "linux_inline" / pathlib.Path(folder).name
    place.mkdir(parents=True)
    (place / "linux_inline.sym").write_bytes((CORPORA / folder / f"linux_inline.{form}.sym").read_bytes())
    found = dump(release, "breakpad/linux_inline.dmp", tmp_path)
    # The old form has no file of the calls.
    rows = [("func", "linux_inline.cpp", 27), ("bar", "c.cpp", 32), ("foo", "b.cpp", 39), ("main", "a.cpp", 42)]
    wanted = [Frame(None, None, f, n if form == "new" or i == 0 else None, l, None)
              for i, (f, n, l) in enumerate(rows)]
    got = [f._replace(file=f.file and re.split(r"[/\\]", f.file)[-1]) for f in stack(found)]
    compare(f"linux_inline.dmp ({form})", got[:4], wanted, ["function", "file", "line"])


def snap_frames(path):
    """Instruction addresses and trusts out of a YAML-like snapshot of symbolicator."""
    need(path)
    text = (CORPORA / path).read_text()
    threads = re.split(r"\n  - thread_id:", text)
    frames = []
    for thread in threads[1:]:
        rows = []
        for part in re.split(r"\n\s+- status:", thread)[1:]:
            address = re.search(r'instruction_addr: "?(0x[0-9a-f]+)', part)
            trust = re.search(r"trust: (\w+)", part)
            rows.append(Frame(int(address[1], 16), None, None, None, None, trust[1] if trust else None))
        frames.append(rows)
    return frames


def test_linux_without_symbols_as_symbolicator_scans_it(release):
    wanted = snap_frames(NATIVE + "linux.snap")[0]
    found = dump(release, "symbolicator-mit/tests/fixtures/linux.dmp")
    compare("linux.dmp (symbolicator)", stack(found, 0), wanted, ["address"])


def test_macos_as_symbolicator_walks_it(release):
    wanted = snap_frames(NATIVE + "macos.snap")[0]
    # It scans without asking whether a function is there, as we do where we have no symbols.
    found = dump(release, "symbolicator-mit/tests/fixtures/macos.dmp")
    compare("macos.dmp", stack(found, 0), wanted, ["address"])


def test_kernel_triage_dump(release):
    """Without images a scan alone is left: it must meet every frame of the debugger, in order."""
    need("rizin-triage/EXPECTED.json")
    expected = json.loads((CORPORA / "rizin-triage/EXPECTED.json").read_text())["triage_x64.dmp"]["stack"]
    found = dump(release, "rizin-triage/triage_x64.dmp")
    wanted = [int(row[0], 16) for row in expected]
    best = 0
    for thread in found["threads"]:
        rest = iter(int(f["address"], 16) for f in thread["frames"])
        best = max(best, sum(address in rest for address in wanted))
    print(f"frames triage_x64.dmp: {best} of {len(wanted)} met")
    assert best >= len(wanted) - 1
