"""Addresses of the page of a blind comparison."""

import functools
import io
import pathlib
import re
import secrets

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tfstyle import images
from tfstyle.config import WebCommand
from tfstyle.errors import InputError
from tfstyle.images import sheets
from tfstyle.parsing import json_text
from tfstyle.web.answers import NotFound, error_handlers, page_routes, start_page, with_session
from tfstyle.web.sessions import Sessions
from tfstyle.web.voting import ANSWERS, ORIGINALS, QUESTIONS, Comparison

_VOTERS = 10_000  # at a time
_SIZE = 1024  # longest side of a picture on the page, in pixels


class ComparisonPage:
    """The votes' state and its endpoints; arguments are those of `Application`."""

    def __init__(self, config: WebCommand, folder: pathlib.Path, cookie: str):
        self._comparison = Comparison(
            pathlib.Path(config.compare),
            images.find_pictures("content", config.content),
            images.find_pictures("style", config.style),
        )
        self._sessions, self._cookie = Sessions(folder, most=_VOTERS), cookie
        self._shown = functools.lru_cache(maxsize=32)(_shown)

    def close(self) -> None:
        """Nothing is left to end."""

    def app(self) -> Starlette:
        """The endpoints."""
        bound = lambda function: with_session(self._sessions, self._cookie, function)
        routes = [
            Route("/", start_page(self._sessions, "compare.html", self._cookie)),
            *page_routes(),
            Route("/api/voters/{voter}/trial", bound(self._next)),
            Route("/api/voters/{voter}/back", bound(self._back), methods=["POST"]),
            Route("/api/trials/{id}/{which}", bound(self._show)),
            Route("/api/trials/{id}", bound(self._vote), methods=["POST"]),
            Route("/api/preferences", bound(self._preferences)),
        ]
        return Starlette(routes=routes, exception_handlers=error_handlers())

    def _next(self, session, parameters, _body):
        name = self._name(session, parameters)
        return self._ask(session.voter, self._comparison.next_trial(name), {})

    def _back(self, session, parameters, _body):
        """The trial of the voter's last votes, which are no votes any more."""
        name = self._name(session, parameters)
        found = self._comparison.take_back(name)
        if found is None:
            raise InputError("there is no answer to take back")
        return self._ask(session.voter, *found)

    def _name(self, session, parameters):
        """The voter's, one that the browser keeps, so that it outlasts this program."""
        if not re.fullmatch("[0-9a-f]{8}", parameters["voter"]):
            raise InputError("not a request of the page")
        session.voter.name = parameters["voter"]
        return session.voter.name

    def _ask(self, voter, trial, given):
        """A trial, or that there is none left, and answers already given to it."""
        identity = ""
        if trial:
            identity = secrets.token_urlsafe(12)
            voter.trials = {identity: trial}
        originals = [
            which for which in ORIGINALS if trial and self._comparison.original(trial.pair, which)
        ]
        return JSONResponse({
            "trial": identity, "of": len(self._comparison), "originals": originals,
            "voted": len(self._comparison.seen(voter.name)), "given": given,
            "questions": QUESTIONS, "answers": ANSWERS,
        })  # fmt: skip

    def _trial(self, session, parameters):
        trial = session.voter.trials.get(parameters["id"])
        if trial is None:
            raise NotFound
        return trial

    def _show(self, session, parameters, _body):
        trial, which = self._trial(session, parameters), parameters["which"]
        if which in ORIGINALS:
            path = self._comparison.original(trial.pair, which)
        else:
            system = {"left": trial.left, "right": trial.right}.get(which, "")
            path = self._comparison.pictures.get(system, {}).get(trial.pair)
        if path is None:
            raise NotFound
        return Response(self._shown(path), media_type="image/png")

    def _vote(self, session, parameters, body):
        trial = self._trial(session, parameters)
        try:
            answers = json_text.check(json_text.parse(body.decode("utf-8")), dict[str, str])
        except ValueError as error:
            raise InputError("not a request of the page") from error
        if set(answers) != {*QUESTIONS} or not {*answers.values()} <= {*ANSWERS}:
            raise InputError(f"answer {', '.join(QUESTIONS)} by {', '.join(ANSWERS)}")
        session.voter.trials = {}
        self._comparison.vote(session.voter.name, trial, answers)
        return JSONResponse({})

    def _preferences(self, _session, _parameters, _body):
        found = self._comparison.preferences()
        return JSONResponse({"rows": [
            {"systems": f"{one.first}, {one.second}", "question": one.question, "first": one.wins,
             "second": one.losses, "same": one.same, "low": one.low, "high": one.high}
            for one in found
        ]})  # fmt: skip


def _shown(path):
    """A PNG file of the pixels alone: what else a file holds may name its system."""
    buffer = io.BytesIO()
    picture = sheets.to_pillow(images.read_image(path, _SIZE, enlarge=False))
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
