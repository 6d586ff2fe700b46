"""A Windows program with WinHTTP, the library that the Windows client is built on, under Wine."""
import hashlib
import os
import shutil
import subprocess

import pytest

import openwer
from openwer import level1

WINE = shutil.which("wine64") or "/usr/lib/wine/wine64"
COMPILER = shutil.which("x86_64-w64-mingw32-gcc")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    if not COMPILER or not os.path.exists(WINE):
        pytest.skip("no mingw or Wine")
    folder = tmp_path_factory.mktemp("wine")
    program = folder / "client.exe"
    subprocess.run([COMPILER, "-O1", "-o", program, openwer.ROOT / "tests/support/winhttp_client.c",
                    "-lwinhttp"], check=True)
    env = {**os.environ, "WINEPREFIX": str(folder / "prefix"), "WINEDEBUG": "-all", "DISPLAY": "",
           "WINEDLLOVERRIDES": "mscoree,mshtml="}

    def run(*words):
        return subprocess.run([WINE, program, *map(str, words)], env=env, text=True, timeout=240,
                              capture_output=True)

    yield run
    subprocess.run([WINE + "server" if os.path.exists(WINE + "server") else "/usr/lib/wine/wineserver", "-k"],
                   env=env, check=False)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_both_stages(tmp_path, release, certificate, client, scheme):
    body, cabinet = level1(machine=f"wine-{scheme}"), b"MSCF" + os.urandom(150_000)
    (tmp_path / "report.xml").write_bytes(body)
    (tmp_path / "report.cab").write_bytes(cabinet)
    with openwer.Collector(tmp_path / "collector", release, tls=certificate) as collector:
        port = collector.tls_port if scheme == "https" else collector.port
        done = client("localhost", port, scheme, tmp_path / "report.xml", tmp_path / "report.cab")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "POST 200" in done.stdout and "PUT 200" in done.stdout
        [report] = collector.wait_for(lambda: [r for r in collector.list("reports") if r["cab"]])
        assert report["raw_sha256"] == hashlib.sha256(body).hexdigest()
        assert report["cab"]["sha256"] == hashlib.sha256(cabinet).hexdigest()
