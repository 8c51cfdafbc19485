"""Addresses of the page, and what they answer."""

import functools
import math
import pathlib

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tfstyle import images
from tfstyle.config import WebCommand
from tfstyle.errors import InputError
from tfstyle.images.outputs import safe_name
from tfstyle.web.answers import (
    NotFound,
    error_handlers,
    page_routes,
    session_of,
    start_page,
    with_session,
)
from tfstyle.web.painter import Painter
from tfstyle.web.render_queue import CANCELLED, Render, RenderQueue
from tfstyle.web.sessions import Result, Session, Sessions
from tfstyle.web.settings import Settings
from tfstyle.web.shelf import PHOTOS, STYLES, Picture, Shelf, jpeg

_SHOWN_SIZE = 1024  # longest side of a photo on the page, in pixels


class Application:
    """The page's state and its endpoints.

    Args:
        config: the flags.
        folder: for uploads and results.
        cookie: name of the one that holds a session's id.
    """

    def __init__(self, config: WebCommand, folder: pathlib.Path, cookie: str):
        self._config, self._cookie = config, cookie
        self._shelf = Shelf(config)
        self._painter = Painter(config, self._shelf)
        self._queue = RenderQueue()
        self._sessions = Sessions(folder, self._queue)
        self._shown = functools.lru_cache(maxsize=16)(_shown)

    def close(self) -> None:
        """Ends the renders."""
        self._queue.close()

    def app(self) -> Starlette:
        """The endpoints."""
        bound = lambda function: with_session(self._sessions, self._cookie, function)
        upload = lambda kind: functools.partial(self._upload, kind)
        routes = [
            Route("/", start_page(self._sessions, "page.html", self._cookie)),
            *page_routes(),
            Route("/api/state", bound(self._state)),
            Route("/api/photos/{name:path}", upload(PHOTOS), methods=["PUT"]),
            Route("/api/styles/{name:path}", upload(STYLES), methods=["PUT"]),
            Route("/api/pictures/{id}/thumbnail", bound(self._thumbnail)),
            Route("/api/pictures/{id}", bound(self._show)),
            Route("/api/pictures/{id}", bound(self._remove), methods=["DELETE"]),
            Route("/api/paint", bound(self._paint), methods=["POST"]),
            Route("/api/results/{id}.{suffix}", bound(self._result)),
            Route("/api/renders", bound(self._start_render), methods=["POST"]),
            Route("/api/renders/{id}", bound(self._render_state)),
            Route("/api/renders/{id}/preview", bound(self._preview)),
            Route("/api/renders/{id}/{what:str}", bound(self._end_render), methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers=error_handlers())

    def _state(self, session, _parameters, _body):
        describe = lambda found: [one.described() for one in found]
        return JSONResponse({
            "photos": describe(self._shelf.photos.values()),
            "styles": describe(self._shelf.styles.values()),
            "uploads": {kind: describe(session.uploads(kind)) for kind in (PHOTOS, STYLES)},
            "largest_size": self._config.largest_size,
            "most_styles": self._painter.most_styles,
            "takes_paintings": self._painter.takes_paintings,
            "render": _described(session.render),
            "pace": self._queue.pace,
        })  # fmt: skip

    async def _upload(self, kind: str, request: Request) -> Response:
        session = session_of(self._sessions, self._cookie, request)
        name, most = request.path_params["name"], self._config.max_upload * 1e6
        too_large = InputError(
            f"{name}: larger than {self._config.max_upload:g} MB; save it as JPEG, or reduce it"
        )
        if int(request.headers.get("content-length", 0)) > most:
            raise too_large
        path = session.new_file(".upload")
        size = 0
        try:
            with open(path, "xb") as file:
                async for part in request.stream():
                    size += len(part)
                    if size > most:
                        raise too_large
                    file.write(part)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return await run_in_threadpool(self._take, session, path, name, kind)

    def _take(self, session, path, name, kind):
        picture, found = session.add_upload(
            path, name, kind, self._config.max_pixels, self._painter.check_upload
        )
        note = ""
        if images.is_animated(path):
            note = f"{picture.file} is an animation; only its first picture is used."
        return JSONResponse({**picture.described(), "settings": found or None, "note": note})

    def _remove(self, session, parameters, _body):
        if not session.remove(parameters["id"]):
            raise NotFound
        return JSONResponse({})

    def _find(self, session: Session, identity: str) -> Picture:
        for found in (self._shelf.photos, self._shelf.styles):
            if identity in found:
                return found[identity]
        picture = session.picture(identity)
        if picture is None:
            raise NotFound
        return picture

    def _thumbnail(self, session, parameters, _body):
        return _jpeg_answer(self._find(session, parameters["id"]).thumbnail)

    def _show(self, session, parameters, _body):
        picture = self._find(session, parameters["id"])
        if picture.path is None:
            return _jpeg_answer(picture.thumbnail)
        return _jpeg_answer(self._shown(picture))

    def _asked(self, session, body):
        asked = Settings.parse(body, self._config.largest_size)
        photo = self._find(session, asked.photo)
        if photo.path is None:
            raise InputError(f"{photo.name}: is a style, not a photo")
        session.mark_used((asked.photo, *asked.styles, asked.region.style))
        return asked, photo, [self._find(session, one) for one in asked.styles]

    def _paint(self, session, _parameters, body):
        asked, photo, styles = self._asked(session, body)
        names = [style.name for style in styles]
        other = self._find(session, asked.region.style) if asked.region.style else None
        image, alpha = self._painter.paint(photo, styles, asked, other)
        stored = asked.stylize_parameters(
            self._painter.model, photo.file, names, other.name if other else ""
        )
        path = session.new_file(".png")
        images.write_image(path, image, alpha=alpha, parameters=stored)

        def write_deep(path):  # again, rather than keep the floats of what few will want
            image, alpha = self._painter.paint(photo, styles, asked, other)
            images.write_image(path, image, alpha=alpha, bits=16, parameters=stored)

        result = session.add_result(Result(path, _name(photo, names), write_deep))
        return JSONResponse({"result": result, "width": image.shape[2], "height": image.shape[1]})

    def _result(self, session, parameters, _body):
        result = session.result(parameters["id"])
        if result is None or not result.path.exists():
            raise NotFound
        if parameters["suffix"] == "tif":
            return FileResponse(result.deep_path(), filename=f"{result.name}.tif")
        return FileResponse(result.path, filename=f"{result.name}.png")

    def _start_render(self, session, _parameters, body):
        asked, photo, styles = self._asked(session, body)
        outside, region_style, region_name = styles, None, ""
        if asked.region.mask and asked.region.strength and asked.region.style:
            inside = self._find(session, asked.region.style)
            styles = styles if inside in styles else [*styles, inside]
            region_style, region_name = styles.index(inside), inside.name
        for style in styles:
            if style.path is None:
                raise InputError(
                    f"{style.name}: only its code is here, and a render needs the painting; drop "
                    "it here, too"
                )
        if session.render and not session.render.is_over:
            raise InputError("a render of yours is not done yet; stop or cancel it first")
        render = Render(
            _name(photo, [style.name for style in outside]),
            f"{photo.name} in {' + '.join(style.name for style in outside)}", settings=asked,
            command=asked.render_command(photo.file, [style.file for style in outside]),
            content=photo.path, styles=[style.path for style in styles],
            names=[style.file for style in styles], region_style=region_style,
            region_name=region_name, output=session.new_file(".png"),
        )  # fmt: skip
        self._queue.add(render)
        session.render = render
        return JSONResponse(_described(render))

    def _render(self, session, parameters):
        render = session.render
        if render is None or render.id != parameters["id"]:
            raise NotFound
        return render

    def _render_state(self, session, parameters, _body):
        render = self._render(session, parameters)
        if render.state in ("done", "stopped") and not render.result:
            path = render.task.output  # the TIFF is there, too
            render.result = session.add_result(Result(path, render.name, lambda _: None))
        report = render.report
        left = report.remaining if math.isfinite(report.remaining) else None  # JSON has no NaN
        return JSONResponse({
            "state": render.state, "before": self._queue.place(render), "done": report.done,
            "remaining": left, "note": report.note, "previews": render.previews,
            "error": render.error, "result": render.result, "pace": self._queue.pace,
        })  # fmt: skip

    def _preview(self, session, parameters, _body):
        render = self._render(session, parameters)
        if not render.preview:
            raise NotFound
        return _jpeg_answer(render.preview)

    def _end_render(self, session, parameters, _body):
        render = self._render(session, parameters)
        ends = {"stop": self._queue.stop, "cancel": self._queue.cancel}
        if parameters["what"] not in ends:
            raise NotFound
        ends[parameters["what"]](render)
        return JSONResponse({})


def _described(render):
    """What the page knows of a render from its start; None if there is none."""
    if render is None or render.state == CANCELLED:
        return None
    return {"id": render.id, "photo": render.task.settings.photo, "title": render.title}


def _name(photo, styles):
    return safe_name(f"{photo.name}__{'+'.join(styles)}")


def _shown(picture):
    image = images.read_image(picture.path, _SHOWN_SIZE, enlarge=False)
    return jpeg((image[0] * 255.0 + 0.5).astype(np.uint8), quality=90)


def _jpeg_answer(data):
    return Response(data, media_type="image/jpeg")
