"""What the end-to-end tests share: programs, a running collector, raw HTTP, level-1 bodies."""
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time
import xml.sax.saxutils

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPORA = pathlib.Path(os.environ.get("OPENWER_CORPORA", ROOT.parent / "shared" / "corpora"))


class Programs:
    def __init__(self, build=None):
        folder = ROOT / (build or os.environ.get("OPENWER_BUILD", "build/debug"))
        self.folder = folder
        self.werd = folder / "werd"
        self.werctl = folder / "werctl"
        self.werload = folder / "werload"
        # A build with sanitizers cannot be jailed.
        self.no_jail = ["--no-jail"] if folder.name == "debug" else []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder, name="localhost", days=30):
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", certificate, "-days", str(days), "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"],
        check=True, capture_output=True)
    return certificate, key


class Reply:
    """An HTTP reply, split."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.raw = raw
        self.version, status, *_ = lines[0].split(" ") + ["0"]
        self.status = int(status)
        self.headers = {n.lower(): v.strip() for n, _, v in (l.partition(":") for l in lines[1:])}

    @property
    def lines(self):
        """The Key=Value lines of a level-1 reply."""
        text = self.body.decode("cp1252")
        return dict(line.split("=", 1) for line in text.split("\r\n") if line)


class Connection:
    """A raw HTTP connection that can also do what no good client does."""

    def __init__(self, port, tls=None, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        if tls:
            context = ssl.create_default_context(cafile=str(tls))
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.waiting = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, target, body=b"", headers=(), length=True):
        head = [f"{method} {target} HTTP/1.1", "Host: localhost"]
        if length:
            head.append(f"Content-Length: {len(body)}")
        head += headers
        self.send("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)
        return self.reply()

    def more(self):
        data = self.socket.recv(65536)
        self.waiting += data
        return bool(data)

    def reply(self):
        """The next reply; interim ones (100) are passed over."""
        while True:
            while b"\r\n\r\n" not in self.waiting:
                if not self.more():
                    raise ConnectionError(f"closed after {self.waiting!r}")
            head, _, rest = self.waiting.partition(b"\r\n\r\n")
            length = int((re.search(rb"(?i)content-length: *(\d+)", head) or [0, 0])[1])
            while len(rest) < length:
                if not self.more():
                    raise ConnectionError("closed in a reply's body")
                rest = self.waiting.partition(b"\r\n\r\n")[2]
            self.waiting = rest[length:]
            reply = Reply(head + b"\r\n\r\n" + rest[:length])
            if reply.status != 100:
                return reply


def level1(event="APPCRASH", params=None, encoding="utf-16-le", bom=True, machine="ws-0001.corp.example",
           user="CORP\\maria", app="Example Editor", path="C:\\Program Files\\Example\\editor.exe",
           secondary=(), files=(), report_type=2, event_time=134085000000000000, os="10.0.19045.2.0.0.256.48",
           lcid="1033", declared="UTF-16", company="Example Ltd"):
    """A level-1 body in the order of the specification's examples."""
    if params is None:
        params = ["editor.exe", "1.2.3.4", "5f5e1000", "ntdll.dll", "10.0.19041.1", "6a1b2c3d",
                  "c0000005", "0000000000012345"]
    names = ["Application Name", "Application Version", "Application Timestamp", "Fault Module Name",
             "Fault Module Version", "Fault Module Timestamp", "Exception Code", "Exception Offset"]

    def q(value):
        return xml.sax.saxutils.quoteattr(str(value))

    lines = [f'<?xml version="1.0" encoding="{declared}"?>',
             '<WERREPORT xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">',
             f"<MACHINEINFO machinename={q(machine)} os={q(os)} lcid={q(lcid)}/>",
             f"<USERINFO username={q(user)}/>",
             f"<APPLICATIONINFO appname={q(app)} apppath={q(path)} appcompany={q(company)}/>",
             f"<EVENTINFO reporttype={q(report_type)} eventtime={q(event_time)} eventtype={q(event)} "
             'friendlyeventname="Stopped working"/>', "<SIGNATURE>"]
    for i, value in enumerate(params):
        name = names[i] if i < len(names) else f"P{i + 1}"
        lines.append(f'<PARAMETER id="{i}" name={q(name)} value={q(value)}/>')
    for name, value in secondary:
        lines.append(f"<SECONDARYPARAMETER name={q(name)} value={q(value)}/>")
    lines.append("</SIGNATURE>")
    if files:
        lines.append("<FILES>")
        lines += [f"<FILE filename={q(n)} filetype={q(t)}/>" for n, t in files]
        lines.append("</FILES>")
    lines.append("</WERREPORT>")
    text = "\r\n".join(lines) + "\r\n"
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff", "utf-8": b"\xef\xbb\xbf"}[encoding]
    return (mark if bom else b"") + text.encode(encoding)


class Collector:
    """werd with a store in FOLDER; stops it at the end and looks whether it ended well."""

    def __init__(self, folder, programs, config=None, ingest=None, tls=None, collection=None, env=None):
        self.folder = pathlib.Path(folder)
        self.programs = programs
        self.port = free_port()
        self.tls_port = free_port() if tls else None
        self.data = self.folder / "data"
        self.path = self.folder / "werd.yaml"
        self.log = self.folder / "werd.log"
        self.env = env or {}
        self.tls = tls
        self.process = None
        ingest = dict(ingest or {})
        ingest.setdefault("listen", [f"127.0.0.1:{self.port}"])
        ingest.setdefault("disk_reserve", {"cabinets": "1 MiB", "reports": "512 KiB"})
        if tls:
            ingest["tls"] = {"listen": [f"127.0.0.1:{self.tls_port}"], "certificate": str(tls[0]),
                             "key": str(tls[1])}
        config = {"data": str(self.data), "ingest": ingest, **(config or {})}
        self.folder.mkdir(parents=True, exist_ok=True)
        if collection is not None:
            (self.folder / "collection.yaml").write_text(collection)
            config["collection"] = "collection.yaml"
        self.path.write_text(json.dumps(config))  # JSON is YAML

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process:
            self.stop()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.programs.werd, *self.programs.no_jail, "-c", self.path], stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, **self.env}, start_new_session=True)
        line = self.process.stdout.readline()
        assert line.rstrip().endswith("ready"), f"no ready line but {line!r}:\n{self.log.read_text()}"

    def stop(self, timeout=60):
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout)
        process.stdout.close()
        assert status == 0, f"werd ended with {status}:\n{self.log.read_text()[-6000:]}"
        assert "Sanitizer" not in self.log.read_text(), self.log.read_text()[-6000:]

    def kill(self):
        """The whole process group, as a power cut would, but for what the kernel still holds."""
        process, self.process = self.process, None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def role_pid(self, role):
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except (OSError, NotADirectoryError):
                continue
            if len(words) > 3 and words[1] == role.encode() and str(self.path).encode() in words:
                return int(entry.name)
        return None

    def connect(self, tls=False):
        return Connection(self.tls_port if tls else self.port, self.tls[0] if tls else None)

    def post(self, body, target="/stage2.htm", headers=("User-Agent: MSDW",), tls=False):
        with self.connect(tls) as connection:
            return connection.request("POST", target, body, headers)

    def put(self, target, body, tls=False):
        with self.connect(tls) as connection:
            return connection.request("PUT", target, body)

    def werctl(self, *words, check=True, text=True):
        done = subprocess.run([self.programs.werctl, "-c", self.path, *map(str, words)], text=text,
                              capture_output=True, timeout=120)
        if check:
            assert done.returncode == 0, f"werctl {words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def list(self, *words):
        """What `werctl ... --json` prints, one object a line."""
        return [json.loads(line) for line in self.werctl(*words, "--json").stdout.splitlines()]

    def wait_for(self, condition, seconds=10):
        """Derived data lags by up to 2 s."""
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value or time.monotonic() > end:
                return value
            time.sleep(0.1)

    def reports(self, count, *words):
        """Waits until at least COUNT reports are listed, and gives them."""
        found = []

        def enough():
            found[:] = self.list("reports", "--limit", "0", *words)
            return len(found) >= count

        assert self.wait_for(enough), f"{len(found)} reports, {count} expected"
        return found
