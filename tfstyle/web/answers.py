"""What both pages answer with: endpoints in threads, their sessions, errors, files of the page."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tfstyle.errors import InputError
from tfstyle.web import messages, settings
from tfstyle.web.sessions import Session, Sessions

_FOLDER = pathlib.Path(__file__).parent / "page"
_KINDS = {".css": "text/css", ".js": "text/javascript"}


class NotFound(Exception):
    """There is no such picture, or no longer."""


class SessionOver(Exception):
    """The browser's session has ended, or never began."""


def session_of(sessions: Sessions, cookie: str, request: Request) -> Session:
    """The session of a request; SessionOver if there is none."""
    session = sessions.find(request.cookies.get(cookie, ""))
    if session is None:
        raise SessionOver
    return session


def with_session(
    sessions: Sessions,
    cookie: str,
    function: Callable[[Session, Mapping[str, str], bytes], Response],
) -> Callable[[Request], Any]:
    """An endpoint: a function of session, path parameters and body, run in a thread."""

    async def run(request: Request) -> Response:
        session = session_of(sessions, cookie, request)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > settings.MOST_BYTES:
                raise InputError(f"the request has more than {settings.MOST_BYTES} bytes")
        return await run_in_threadpool(function, session, request.path_params, bytes(body))

    return run


def error_handlers() -> dict[Any, Callable[[Request, Exception], Response]]:
    """Answers to exceptions: one line, which the page shows."""

    def answer(status: int, text: str) -> Response:
        return JSONResponse({"error": text}, status)

    return {
        InputError: lambda _, error: answer(400, messages.of_page(str(error))),
        NotFound: lambda _, error: answer(404, "It is no longer there; choose or drop it again."),
        ClientDisconnect: lambda _, error: Response(status_code=400),  # nobody reads it
        SessionOver: lambda _, error: answer(410, "This page is from before; reload it."),
    }


def page_routes() -> list[Route]:
    """The pages' own styles and programs."""

    def answer(path: pathlib.Path) -> Callable[[Request], Response]:
        return lambda _: FileResponse(path, media_type=_KINDS[path.suffix])

    found = [path for path in _FOLDER.iterdir() if path.suffix in _KINDS]
    return [Route(f"/{path.name}", answer(path)) for path in found]


def start_page(sessions: Sessions, name: str, cookie: str) -> Callable[[Request], Response]:
    """An endpoint that answers a page, and starts a session where the browser has none."""

    def answer(request: Request) -> Response:
        page = FileResponse(_FOLDER / name, media_type="text/html")
        if sessions.find(request.cookies.get(cookie, "")) is None:
            session = sessions.start()
            page.set_cookie(cookie, session.id, httponly=True, samesite="strict")
        return page

    return answer
