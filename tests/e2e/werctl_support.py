"""A store without a collector: made by `werctl import` from files that the test writes."""
import hashlib
import json
import os
import pty
import struct
import subprocess
import fcntl
import termios

import openwer


class Store:
    def __init__(self, folder, programs, config=None):
        self.folder = folder
        self.programs = programs
        self.path = folder / "werd.yaml"
        self.inbox = folder / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.path.write_text(json.dumps({"data": "data", **(config or {})}))

    def run(self, *words, status=0, text=True, stdin=None, env=None):
        done = subprocess.run([self.programs.werctl, "-c", self.path, *map(str, words)], input=stdin,
                              capture_output=True, text=text, timeout=120,
                              env={**os.environ, **(env or {})})
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def json(self, *words, **more):
        """What --json prints, one object a line."""
        return [json.loads(line) for line in self.run(*words, "--json", **more).stdout.splitlines()]

    def write(self, name, **level1):
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(openwer.level1(**level1))
        return path

    def terminal(self, *words, columns=80, env=None):
        """What a person sees: stdout and stderr on a terminal of so many columns."""
        process, fd = pty.fork()
        if process == 0:
            os.environ.update({"TERM": "xterm", **(env or {})})
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execv(self.programs.werctl, ["werctl", "-c", str(self.path), *map(str, words)])
        seen = b""
        while True:
            try:
                piece = os.read(fd, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        os.close(fd)
        os.waitpid(process, 0)
        return seen.decode().replace("\r\n", "\n")


def sha256(data):
    return hashlib.sha256(data).hexdigest()
