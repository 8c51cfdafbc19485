"""`tfstyle web --compare`: blind pairs, votes, preferences."""

import csv
import io
import json
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.web_server import Client, running
from tfstyle import images
from tfstyle.errors import InputError

pytest.importorskip("starlette")

from tfstyle.web.voting import Comparison, Trial, preferences, wilson_interval

ANSWERS = {"style": "left", "content": "same", "overall": "right"}


@pytest.fixture
def folder(tmp_path):
    """Two systems with two pairs in common; bright and dark."""
    for system, level in (("bright", 0.9), ("dark", 0.1)):
        inner = tmp_path / "pictures" / system
        inner.mkdir(parents=True)
        for pair in ("a__x", "b__x", f"only {system}__x"):
            picture = np.full((1, 32, 32, 3), level, np.float32)
            images.write_image(inner / f"{pair}.png", picture, parameters={"system": system})
    return tmp_path / "pictures"


def test_wilsons_interval():
    """Newcombe, Statistics in Medicine 1998, table I: 81 of 263, 15 of 148 and 0 of 20."""
    for wins, count, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
                                   (0, 20, 0.0, 0.1611), (0, 0, 0.0, 1.0)):  # fmt: skip
        assert wilson_interval(wins, count) == pytest.approx((low, high), abs=5e-5)


def test_each_voter_sees_each_pair_once_and_sides_are_random(folder):
    comparison = Comparison(folder)
    assert len(comparison) == 2
    lefts, firsts = set(), set()
    for _ in range(40):
        trial = comparison.next_trial("me")
        lefts.add(trial.left)
        firsts.add(trial.pair)
    assert lefts == {"bright", "dark"} and firsts == {"a__x", "b__x"}
    shown = []
    while trial := comparison.next_trial("me"):
        shown.append(trial.pair)
        comparison.vote("me", trial, ANSWERS)
    assert sorted(shown) == ["a__x", "b__x"]
    assert len(comparison.seen("me")) == 2 and not comparison.seen("you")
    assert Comparison(folder).next_trial("me") is None  # after a restart, too


def test_pairs_with_fewest_votes_come_first(folder):
    comparison = Comparison(folder)
    comparison.vote("me", Trial("a__x", "dark", "bright"), ANSWERS)
    assert {comparison.next_trial("you").pair for _ in range(10)} == {"b__x"}


def test_votes_are_counted_whichever_side_a_system_was_on(folder):
    comparison = Comparison(folder)
    comparison.vote("me", Trial("a__x", "dark", "bright"), ANSWERS)
    comparison.vote("you", Trial("a__x", "bright", "dark"), ANSWERS)
    comparison.vote("you", Trial("b__x", "bright", "dark"), {**ANSWERS, "style": "right"})
    again = Comparison(folder)  # from the file
    style, content, overall = again.preferences()
    assert (style.first, style.second, style.question) == ("bright", "dark", "style")
    assert (style.wins, style.losses, style.same) == (1, 2, 0)
    assert (content.wins, content.losses, content.same) == (0, 0, 3)
    assert (overall.wins, overall.losses, overall.same) == (1, 2, 0)
    text = (folder / "preferences.md").read_text("utf-8")
    low, high = wilson_interval(1, 3)
    assert f"| bright, dark | style | 1 | 2 | 0 | 0.33 | {low:.2f} to {high:.2f} |" in text
    assert "| bright, dark | content | 0 | 0 | 3 | – | 0.00 to 1.00 |" in text
    assert preferences([]) == []


def test_other_strengths_of_evaluate_are_left_out_unless_they_are_all(folder):
    for name in ("bright", "dark"):
        for strength in ("0.25", "0.75"):
            shutil.copytree(folder / name, folder / f"{name}@{strength}")
    comparison = Comparison(folder)
    assert len(comparison) == 2 and set(comparison.pictures) == {"bright", "dark"}
    shutil.rmtree(folder / "dark")
    assert set(Comparison(folder).pictures) > {"bright", "bright@0.25", "dark@0.75"}


def test_the_last_votes_are_taken_back_from_the_files_too(folder):
    comparison = Comparison(folder)
    assert comparison.take_back("me") is None
    first, second = Trial("a__x", "dark", "bright"), Trial("b__x", "bright", "dark")
    comparison.vote("me", first, ANSWERS)
    comparison.vote("you", first, ANSWERS)
    comparison.vote("me", second, ANSWERS)
    assert comparison.take_back("me") == (second, ANSWERS)
    again = Comparison(folder)
    assert again.seen("me") == again.seen("you") == {first.key}
    assert again.take_back("me") == (first, ANSWERS) and again.take_back("me") is None
    assert again.seen("you") == {first.key}
    assert [one.losses for one in again.preferences()] == [1, 0, 0]
    assert "| bright, dark | style | 0 | 1 | 0 |" in (folder / "preferences.md").read_text("utf-8")


@pytest.mark.parametrize(
    "spoil, words",
    [
        (
            lambda folder: (folder / "votes.csv").write_text("a,b\n1,2\n"),
            "line 2 has other columns",
        ),
        (lambda folder: (folder / "dark").rename(folder / ".dark"), "no two folders"),
        (lambda folder: folder.rename(folder.with_name("away")), "no such folder"),
    ],
)
def test_what_cannot_be_compared_gives_one_line(folder, spoil, words):
    spoil(folder)
    with pytest.raises(InputError, match=words):
        Comparison(folder)


def test_the_page_shows_pairs_blindly_and_writes_votes(folder, tmp_path, examples):
    (tmp_path / "photos").mkdir()
    for name in ("a", "b"):
        (tmp_path / "photos" / f"{name}.jpg").symlink_to(examples / "chelsea.jpg")
    flags = [f"--compare={folder}", f"--content={tmp_path / 'photos'}"]
    with running(tmp_path, *flags) as server:
        client, trial = Client(server), "/api/voters/0123abcd/trial"
        sides = {}
        for number in range(2):
            found = client.call("GET", trial)
            assert (found["voted"], found["of"], found["originals"]) == (number, 2, ["content"])
            assert not any(name in json.dumps(found) for name in ("bright", "dark", "a__x"))
            address = f"/api/trials/{found['trial']}"
            for which in ("left", "right"):
                status, data = client.request("GET", f"{address}/{which}")
                assert status == 200 and b"system" not in data
                sides[number, which] = np.asarray(Image.open(io.BytesIO(data))).mean() > 128
            assert sides[number, "left"] != sides[number, "right"]
            assert client.request("GET", f"{address}/content")[0] == 200
            assert client.request("GET", f"{address}/style")[0] == 404
            assert client.request("GET", f"{address}/..%2f..")[0] == 404
            other = Client(server)
            assert other.request("GET", f"{address}/left")[0] == 404
            assert "answer style" in client.call("POST", address, {"style": "left"})
            assert client.call("POST", address, ANSWERS) == {}
            assert "no longer" in client.call("POST", address, ANSWERS)  # once
        assert client.call("GET", trial)["trial"] == ""
        last = client.call("POST", "/api/voters/0123abcd/back")
        assert (last["voted"], last["given"]) == (1, ANSWERS) and last["trial"]
        assert client.call("POST", f"/api/trials/{last['trial']}", ANSWERS) == {}
        assert "no answer to take" in client.call("POST", "/api/voters/0000000f/back")
        assert client.call("GET", "/api/voters/0000000f/trial")["voted"] == 0
        assert "not a request" in client.call("GET", "/api/voters/me/trial")
        rows = [*csv.DictReader(open(folder / "votes.csv", encoding="utf-8"))]
        assert len(rows) == 6
        for number in range(2):
            row = rows[3 * number]
            assert (row["left"] == "bright") == sides[number, "left"]
        assert len(client.call("GET", "/api/preferences")["rows"]) == 3
    assert pathlib.Path(folder / "preferences.md").exists()
