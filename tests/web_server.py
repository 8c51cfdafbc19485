"""`tfstyle web` as a user runs it, and a browser that sends what a test wants."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.parse

from tests.conftest import ROOT


class Server:
    """A running program; `line` says where, `address` is its page's, without `token`."""

    def __init__(self, process, line):
        found = re.search(r"(http://\S+?:(\d+)/)(?:\?token=(\S+))?", line)
        assert found, line
        self.process, self.line = process, line
        self.address, self.port = found[1], int(found[2])
        self.token = found[3] or ""

    def stop(self, number=signal.SIGINT):
        """Exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@contextlib.contextmanager
def running(folder, *flags):
    """The program, with its temporary files and caches in `folder`."""
    variables = {"TMPDIR": str(folder), "TFSTYLE_CACHE": str(folder), "PYTHONPATH": str(ROOT)}
    program = subprocess.Popen(
        [sys.executable, "-m", "tfstyle", "web", "--no_browser", "--port=0", *map(str, flags)],
        env={**os.environ, **variables}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        lines = []
        for line in program.stderr:
            lines.append(line)
            if "The page is at" in line:
                break
        yield Server(program, "".join(lines))
    finally:
        if program.poll() is None:
            program.send_signal(signal.SIGINT)
            program.wait(timeout=30)
        rest = program.stderr.read()
        program.stderr.close()
    assert "Traceback" not in rest, rest


class Client:
    """A browser's requests, with its cookies."""

    def __init__(self, server, path="/"):
        self.server, self.cookies = server, {}
        self.status, self.page = self.request("GET", path)

    def request(self, method, path, body=None, **headers):
        """Status and body; header names have "_" for "-"."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        self.headers = answer.headers
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        data = answer.read()
        connection.close()
        return answer.status, data

    def call(self, method, path, body=None):
        """The JSON of the answer; its message for an error."""
        body = json.dumps(body) if isinstance(body, dict) else body
        _, data = self.request(method, path, body)
        found = json.loads(data)
        return found.get("error") or found

    def upload(self, path: pathlib.Path | str, data=None, kind="photos"):
        """As `call`, of a file."""
        data = pathlib.Path(path).read_bytes() if data is None else data
        name = urllib.parse.quote(pathlib.Path(path).name)
        return self.call("PUT", f"/api/{kind}/{name}", data)
