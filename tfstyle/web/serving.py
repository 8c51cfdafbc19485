"""The server: it listens, says where, and ends with its files removed."""

import contextlib
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
        family, *_, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[
            0
        ]
        found = socket.socket(family)
        if os.name == "posix":  # elsewhere it would share a port that is taken
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen()  # at once: requests wait until the page is ready
    except OSError as error:
        raise InputError(
            f"--host={config.host}, --port={config.port}: cannot be listened on "
            f"({error.strerror}); --port=0 takes a free port"
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
        host = socket.gethostname() if config.host in _ANY else config.host
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
        logging.info("The page is at %s ; Ctrl-C ends it.", address)
        if not config.no_browser and config.is_private():
            webbrowser.open(address)
        try:
            _Server(settings).run(sockets=[listener])
        finally:
            page.close()


def _make_page(config: WebCommand, folder: pathlib.Path, cookie: str) -> Any:
    if config.compare:
        from tfstyle.web.comparison_page import ComparisonPage

        return ComparisonPage(config, folder, cookie)
    from tfstyle.web.application import Application

    return Application(config, folder, cookie)
