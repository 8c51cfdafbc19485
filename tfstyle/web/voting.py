"""Blind comparisons of systems: which pair to show, the votes, and the preferences they make.

votes.csv        a row for each answer
preferences.md   for each two systems and each question: who was preferred, with an interval
"""

import collections
import csv
import dataclasses
import datetime
import itertools
import math
import pathlib
import random
import threading
from collections.abc import Mapping, Sequence

from tfstyle import files, images
from tfstyle.errors import InputError, brief
from tfstyle.parsing import check_regular

QUESTIONS = ("style", "content", "overall")
ANSWERS = ("left", "same", "right")
VOTES, PREFERENCES = "votes.csv", "preferences.md"
ORIGINALS = ("content", "style")  # the photo and the painting
_COLUMNS = ("time", "voter", "pair", "left", "right", "question", "answer")
_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclasses.dataclass(frozen=True)
class Trial:
    """A pair of photo and painting, in two systems' pictures.

    Attributes:
        pair: CONTENT__STYLE.
        left, right: names of the systems.
    """

    pair: str
    left: str
    right: str

    @property
    def key(self) -> tuple[str, frozenset[str]]:
        """Equal for the same pictures on other sides."""
        return self.pair, frozenset((self.left, self.right))


@dataclasses.dataclass(frozen=True)
class Preference:
    """Answers to one question about two systems.

    Attributes:
        first, second: the systems.
        question: one of `QUESTIONS`.
        wins, losses: answers for the first and for the second.
        same: others.
        share: of wins among wins and losses, with its 95 % interval from `low` to `high`; NaN, 0
            and 1 without any.
    """

    first: str
    second: str
    question: str
    wins: int
    losses: int
    same: int
    share: float
    low: float
    high: float


def wilson_interval(wins: int, count: int) -> tuple[float, float]:
    """The 95 % score interval of a share; from 0 to 1 if there is nothing.

    Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 1927.
    """
    if not count:
        return 0.0, 1.0
    share, scale = wins / count, 1 + _Z**2 / count
    centre = (share + _Z**2 / (2 * count)) / scale
    half = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)


class Comparison:
    """The pictures of a folder, and the votes on them.

    Args:
        folder: with a folder for each system, of pictures called CONTENT__STYLE. Where two systems
            or more are at full strength, those of evaluate.py's other strengths, called
            SYSTEM@STRENGTH, are left out.
        contents, styles: photos and paintings to show beside them, found by their names.
    Raises: InputError if there are no two systems with a pair in common, or votes.csv cannot be
        read or written.

    Attributes:
        pictures: `{system: {pair: path}}`.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        contents: Sequence[pathlib.Path] = (),
        styles: Sequence[pathlib.Path] = (),
    ):
        if not folder.is_dir():
            raise InputError(f"--compare: {folder}: no such folder")
        self._folder, self._lock = folder, threading.Lock()
        found = {
            inner.name: {
                path.stem: path
                for path in sorted(inner.iterdir())
                if path.suffix.lower() in images.suffixes() and "__" in path.stem
            }
            for inner in sorted(folder.iterdir())
            if inner.is_dir() and not inner.name.startswith(".")
        }
        self._contents = {path.stem: path for path in contents}
        self._styles = {path.stem: path for path in styles}
        self.pictures = _at_full_strength({name: pairs for name, pairs in found.items() if pairs})
        self._keys = [
            (pair, first, second)
            for first, second in itertools.combinations(self.pictures, 2)
            for pair in sorted(self.pictures[first].keys() & self.pictures[second].keys())
        ]
        if not self._keys:
            raise InputError(
                f"--compare: {folder}: holds no two folders with a picture CONTENT__STYLE of the "
                "same name; give one with a folder for each system"
            )
        for name in (VOTES, PREFERENCES):
            files.check_writable(folder / name)
        self._votes = self._read()

    def __len__(self) -> int:
        """The number of different trials."""
        return len(self._keys)

    def original(self, pair: str, which: str) -> pathlib.Path | None:
        """The photo or the painting of a pair, one of `ORIGINALS`; None if it was not given."""
        if which == "content":
            return self._contents.get(pair.partition("__")[0])
        return self._styles.get(pair.rpartition("__")[2])

    def next_trial(self, voter: str) -> Trial | None:
        """One that a voter has not answered, of those with the fewest votes; None without any.

        Which system is left is random.
        """
        with self._lock:
            counts = collections.Counter(map(_key, self._votes))
        seen = self.seen(voter)
        left = [Trial(*key) for key in self._keys]
        left = [trial for trial in left if trial.key not in seen]
        if not left:
            return None
        fewest = min(counts[trial.key] for trial in left)
        trial = random.choice([one for one in left if counts[one.key] == fewest])
        sides = random.sample((trial.left, trial.right), 2)
        return Trial(trial.pair, *sides)

    def seen(self, voter: str) -> set[tuple[str, frozenset[str]]]:
        """Keys of the trials that a voter has answered, also before the program was started."""
        with self._lock:
            found = {_key(vote) for vote in self._votes if vote["voter"] == voter}
        return found & {Trial(*key).key for key in self._keys}

    def vote(self, voter: str, trial: Trial, answers: Mapping[str, str]) -> None:
        """Writes the answers to all `QUESTIONS`, and the preferences anew."""
        time = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        rows = [
            dict(zip(_COLUMNS, (time, voter, trial.pair, trial.left, trial.right, question,
                                answers[question]), strict=True))
            for question in QUESTIONS
        ]  # fmt: skip
        with self._lock:
            self._votes += rows
            self._write()

    def take_back(self, voter: str) -> tuple[Trial, dict[str, str]] | None:
        """Removes the last votes of a voter; the trial, with the sides as they were, and answers.

        None if the voter has answered none of the trials.
        """
        trials = {Trial(*key).key for key in self._keys}
        with self._lock:
            own = [vote for vote in self._votes if vote["voter"] == voter and _key(vote) in trials]
            if not own:
                return None
            last = own[-1]
            taken = [vote for vote in own if _key(vote) == _key(last)]
            self._votes = [vote for vote in self._votes if vote not in taken]
            self._write()
        trial = Trial(last["pair"], last["left"], last["right"])
        return trial, {vote["question"]: vote["answer"] for vote in taken}

    def preferences(self) -> list[Preference]:
        """Of all votes."""
        with self._lock:
            return preferences(self._votes)

    def _write(self):
        with files.replacing(self._folder / VOTES) as temporary:
            with open(temporary, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, _COLUMNS)
                writer.writeheader()
                writer.writerows(self._votes)
        with files.replacing(self._folder / PREFERENCES) as temporary:
            temporary.write_text(table(preferences(self._votes)), encoding="utf-8")

    def _read(self):
        path = self._folder / VOTES
        if not path.exists():
            return []
        try:
            check_regular(path)
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            for number, row in enumerate(rows, 2):
                if tuple(row) != _COLUMNS or None in row.values():
                    raise ValueError(f"line {number} has other columns")
                if row["question"] not in QUESTIONS or row["answer"] not in ANSWERS:
                    raise ValueError(f"line {number} has another question or answer")
        except (OSError, ValueError, csv.Error) as error:
            raise InputError(f"{path}: not votes of this program ({brief(error)})") from error
        return rows


def _at_full_strength(pictures):
    """Without systems of other strengths, unless too few are left to compare."""
    full = {name: pairs for name, pairs in pictures.items() if "@" not in name}
    return full if len(full) > 1 else pictures


def _key(vote):
    """Of the trial that a row of votes.csv answers."""
    return Trial(vote["pair"], vote["left"], vote["right"]).key


def preferences(votes: Sequence[Mapping[str, str]]) -> list[Preference]:
    """What votes, rows of votes.csv, say of each two systems and question."""
    counts: dict[tuple[str, str, str], list[int]] = {}
    for vote in votes:
        first, second = sorted((vote["left"], vote["right"]))
        found = counts.setdefault((first, second, vote["question"]), [0, 0, 0])
        if vote["answer"] == "same":
            found[2] += 1
        else:
            found[vote[vote["answer"]] != first] += 1
    order = lambda key: (*key[:2], QUESTIONS.index(key[2]))
    return [
        Preference(*key, *counts[key], *_share(*counts[key][:2]))
        for key in sorted(counts, key=order)
    ]


def _share(wins, losses):
    count = wins + losses
    return wins / count if count else math.nan, *wilson_interval(wins, count)


def table(found: Sequence[Preference]) -> str:
    """A table in Markdown."""
    lines = [
        "# Preferences", "",
        "The share is that of the first system, of the answers that prefer one; its 95 % interval "
        "is Wilson's.", "",
        "| systems | question | first | second | same | share | interval |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]  # fmt: skip
    for one in found:
        share = "–" if math.isnan(one.share) else f"{one.share:.2f}"
        counts = f"{one.wins} | {one.losses} | {one.same}"
        lines.append(
            f"| {one.first}, {one.second} | {one.question} | {counts} | {share} "
            f"| {one.low:.2f} to {one.high:.2f} |"
        )
    return "\n".join([*lines, ""])
