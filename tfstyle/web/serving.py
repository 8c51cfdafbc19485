"""The server: it listens, says where, and ends with its files removed."""

import contextlib
import errno
import os
import pathlib
import secrets
import socket
import tempfile
import webbrowser
from collections.abc import Iterator
from typing import Any

import uvicorn
from absl import logging

from tfstyle import files
from tfstyle.config import WebCommand
from tfstyle.errors import InputError
from tfstyle.runtime import process, terminal
from tfstyle.web.protection import Protection

_ANY = ("0.0.0.0", "::")  # all addresses of the machine
_SOMEWHERE = ("192.0.2.1", 9)  # in no network; nothing is sent there
_HOSTS = "127.0.0.1 is this machine alone, 0.0.0.0 all of its addresses"
_CLOSING_SECONDS = 2  # that open requests have at the end


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Our signals are those of `process`."""

        def stop(_number: int, _frame: Any) -> None:
            self.force_exit = self.should_exit
            self.should_exit = True

        with process.handling(stop):
            yield


def listen(config: WebCommand) -> socket.socket:
    """A socket at the address of the flags; InputError if it cannot be had."""
    try:
        addresses = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise InputError(
            f"--host={config.host}: is no address ({error.strerror}); {_HOSTS}"
        ) from error
    family, *_, address = addresses[0]
    try:
        found = socket.socket(family)
        if os.name == "posix":  # elsewhere it would share a port that is taken
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen()  # at once: requests wait until the page is ready
    except OSError as error:
        remedy = "--port=0 takes a free port"
        if error.errno == errno.EADDRNOTAVAIL:
            remedy = f"this machine has no such address; {_HOSTS}"
        raise InputError(
            f"--host={config.host}, --port={config.port}: cannot be listened on "
            f"({error.strerror}); {remedy}"
        ) from error
    return found


def serve(config: WebCommand, listener: socket.socket) -> None:
    """Serves the page until a signal stops it.

    Args:
        config: the flags.
        listener: of `listen`.
    """
    port = listener.getsockname()[1]
    token = config.token or ("" if config.is_private() else secrets.token_urlsafe(16))
    with files.temporary_folder(pathlib.Path(tempfile.gettempdir())) as folder:
        page = _make_page(config, folder, f"tfstyle_session_{port}")
        app = Protection(page.app(), config, token, f"tfstyle_token_{port}")
        settings = uvicorn.Config(
            app, log_level="error", access_log=False, lifespan="off", ws="none",
            server_header=False, proxy_headers=False,
            timeout_graceful_shutdown=_CLOSING_SECONDS,
        )  # fmt: skip
        terminal.end_progress()
        query = f"?token={token}" if token else ""
        addresses = [f"http://{host}:{port}/{query}" for host in _hosts(config.host)]
        logging.info("The page is at %s ; Ctrl-C ends it.", " or ".join(addresses))
        if not config.no_browser and config.is_private():
            webbrowser.open(addresses[0])
        try:
            _Server(settings).run(sockets=[listener])
        finally:
            page.close()


def _hosts(host: str) -> list[str]:
    """As addresses have it: for all of the machine's, its name and its number in the network."""
    if host not in _ANY:
        return [f"[{host}]" if ":" in host else host]
    found = [socket.gethostname()]
    with contextlib.suppress(OSError):  # no network
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(_SOMEWHERE)
            found.append(probe.getsockname()[0])
    return found


def _make_page(config: WebCommand, folder: pathlib.Path, cookie: str) -> Any:
    if config.compare:
        from tfstyle.web.comparison_page import ComparisonPage

        return ComparisonPage(config, folder, cookie)
    from tfstyle.web.application import Application

    return Application(config, folder, cookie)
