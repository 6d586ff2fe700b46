"""What the benchmarks share: the collector, the peer nginx, wrk, CPU time, the record of results."""
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
RELEASE = ROOT / "build" / "release"
RESULTS = ROOT / "bench" / "results"
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import openwer  # noqa: E402


def machine():
    """One line that says what this was measured on."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) // 2**20
    return f"{os.cpu_count()} cores of {model[1] if model else '?'}, {memory} GiB, Linux {platform.release()}"


def fsync_ms(folder, count=50):
    """What one small write and fdatasync costs on the disk that is used."""
    with tempfile.TemporaryFile(dir=folder) as file:
        start = time.monotonic()
        for _ in range(count):
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
    return (time.monotonic() - start) / count * 1000


def cpu_seconds(pids):
    """User and system time of these processes, all their threads."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def memory_mib(pids):
    total = 0
    for pid in pids:
        total += int(re.search(r"Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text())[1])
    return total / 1024


def children(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], text=True, capture_output=True).stdout.split()
    return [int(p) for p in found] + [c for p in found for c in children(int(p))]


class Nginx:
    """The peer: answers 200 and keeps nothing; with DAV it keeps what is PUT."""

    def __init__(self, folder, certificate=None, dav=False, durable=False):
        self.folder = pathlib.Path(folder)
        self.port, self.tls_port = openwer.free_port(), openwer.free_port()
        self.certificate, self.dav, self.durable = certificate, dav, durable

    def __enter__(self):
        self.folder.mkdir(parents=True)
        (self.folder / "dav").mkdir()
        (self.folder / "tmp").mkdir()
        self.folder.chmod(0o755)
        tls = ""
        if self.certificate:
            tls = (f"listen 127.0.0.1:{self.tls_port} ssl reuseport; ssl_certificate {self.certificate[0]}; "
                   f"ssl_certificate_key {self.certificate[1]};")
        dav = ask = ""
        if self.dav:
            ask = "iData=1\\r\\nDumpFile=/dav/$request_id.cab\\r\\n"
            dav = (f"location /dav/ {{ root {self.folder}; dav_methods PUT; client_max_body_size 1g; "
                   f"client_body_temp_path {self.folder}/tmp; }}")
        (self.folder / "nginx.conf").write_text(f"""
user root;
worker_processes 2;
worker_rlimit_nofile 20000;
pid {self.folder}/pid;
error_log {self.folder}/error.log;
events {{ worker_connections 8000; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {self.folder}/tmp;
    server {{
        listen 127.0.0.1:{self.port} reuseport;
        {tls}
        {dav}
        location / {{ client_max_body_size 4m; return 200 "{ask}Bucket=1000\\r\\nBucketTable=5\\r\\n"; }}
    }}
}}
""")
        env = dict(os.environ)
        if self.durable:
            env.update(LD_PRELOAD=str(ROOT / "build/debug/tests/support/libdurable_rename.so"),
                       DURABLE_BELOW=str(self.folder / "dav"))
        self.process = subprocess.Popen(
            ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", "-g", "daemon off;"], env=env,
            start_new_session=True)
        wait_for_port(self.port)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def pids(self):
        return children(self.process.pid)


def wait_for_port(port):
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class Werd:
    """The collector from the release build: all roles, or one alone."""

    def __init__(self, folder, certificate=None, role=None, ingest=None, collection=None, data=None):
        self.collector = openwer.Collector(folder, openwer.Programs("build/release"), tls=certificate,
                                           ingest=ingest, collection=collection,
                                           config={"data": str(data)} if data else None)
        self.role = role
        self.port, self.tls_port = self.collector.port, self.collector.tls_port

    def __enter__(self):
        if self.role is None:
            self.collector.start()
            self.process = self.collector.process
        else:
            log = open(self.collector.log, "ab")
            self.process = subprocess.Popen([RELEASE / "werd", self.role, "-c", self.collector.path],
                                            stdout=log, stderr=log, start_new_session=True)
            wait_for_port(self.port)
        return self

    def __exit__(self, *_):
        if self.role is None:
            self.collector.stop(timeout=300)
        else:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(120) == 0

    def pids(self):
        return [self.process.pid] if self.role else [self.process.pid, *children(self.process.pid)]


def bodies(folder, count=2000, seed=1):
    """A Lua script for wrk that POSTs believable reports one after the other."""
    script = pathlib.Path(folder) / "post.lua"
    subprocess.run([RELEASE / "werload", "sample", f"--count={count}", f"--seed={seed}", "--format=lua",
                    "-o", folder], check=True, stdout=subprocess.DEVNULL)
    script.write_text(f"""
local bodies = dofile("{folder}/bodies.lua")
local requests, at = {{}}, 0
function init()
    wrk.headers["User-Agent"] = "MSDW"
    for i, body in ipairs(bodies) do requests[i] = wrk.format("POST", "/stage2.htm", nil, body) end
end
function request()
    at = at % #requests + 1
    return requests[at]
end
""")
    return script


def wrk(url, script, connections, seconds, close=False):
    """Requests per second, p50 and p99 in ms, answers that were not 200."""
    command = ["wrk", f"-t{1 if connections == 1 else 2}", f"-c{connections}", f"-d{seconds}s",
               "--latency", "--timeout", "20s", "-s", script]
    env = dict(os.environ)
    if close:
        command += ["-H", "Connection: close"]
        env["LD_PRELOAD"] = str(ROOT / "build/debug/tests/support/libfull_handshake.so")
    out = subprocess.run([*command, url], text=True, capture_output=True, check=True, env=env).stdout
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}

    def percentile(which):
        found = re.search(rf"{which}%\s+([\d.]+)(us|ms|s|m)\b", out)
        return float(found[1]) * units[found[2]]

    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    errors = re.search(r"Socket errors: (.*)", out)
    return {
        "per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
        "p50_ms": percentile(50), "p99_ms": percentile(99),
        "requests": int(re.search(r"(\d+) requests in", out)[1]),
        "bad": int(bad[1]) if bad else 0, "errors": errors[1] if errors else "",
    }


def fleet(port, *words):
    """What `werload run` says of its exchanges with the server at PORT."""
    done = subprocess.run([RELEASE / "werload", "run", "--port", str(port), "--json", *map(str, words)],
                          text=True, capture_output=True)
    assert done.returncode in (0, 1), f"werload: {done.returncode}\n{done.stderr}"
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(server, url, script, connections, seconds, close=False):
    pids = server.pids()
    before = cpu_seconds(pids)
    result = wrk(url, script, connections, seconds, close)
    result["cpu_us"] = (cpu_seconds(pids) - before) / max(result["requests"], 1) * 1e6
    return result


class Record:
    """Rows of one benchmark: printed as they come, and kept as JSON and Markdown."""

    def __init__(self, name, title):
        self.name, self.title, self.rows, self.notes = name, title, [], []
        self.start = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        print(f"# {title}\n{machine()}", flush=True)

    def row(self, what, **values):
        self.rows.append({"what": what, **values})
        shown = "  ".join(f"{k} {v:,.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items())
        print(f"{what}:  {shown}", flush=True)

    def note(self, text):
        self.notes.append(text)
        print(text, flush=True)

    def save(self):
        RESULTS.mkdir(parents=True, exist_ok=True)
        data = {"title": self.title, "date": self.start, "machine": machine(), "rows": self.rows,
                "notes": self.notes}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(data, indent=1) + "\n")
        lines = [f"# {self.title}", "", f"{self.start} UTC, {machine()}. Made by `./dev bench {self.name}`.", ""]
        for row in self.rows:
            values = ", ".join(f"{k} {v:,.2f}" if isinstance(v, float) else f"{k} {v}"
                               for k, v in row.items() if k != "what")
            lines.append(f"- **{row['what']}**: {values}")
        lines += [""] + self.notes
        (RESULTS / f"{self.name}.md").write_text("\n".join(lines).rstrip() + "\n")


def scratch(name):
    """A fresh folder on a real disk (not /tmp, which may be memory)."""
    folder = pathlib.Path(os.environ.get("BENCH_DIR", ROOT / "build" / "bench")) / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
