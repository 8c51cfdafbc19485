"""Files and folders that are complete or absent, also if a process is killed."""

import contextlib
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tfstyle import files
from tfstyle.errors import InputError

WRITERS = {
    "file": "files.replacing(sys.argv[1])",
    "folder": "files.new_folder('output', sys.argv[1])",
}


@contextlib.contextmanager
def writing(kind, path):
    """A process that has begun to write, and ends when its input does."""
    code = f"""
import sys
from tfstyle import files
with {WRITERS[kind]} as temporary:
    (temporary if "{kind}" == "file" else temporary / "part").write_text("half")
    print("begun", flush=True)
    sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with process:
        assert process.stdout.readline() == b"begun\n"
        yield process


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", WRITERS)
def test_what_a_killed_process_leaves_is_removed_by_the_next(kind, tmp_path):
    """But not what a living one is still writing."""
    with writing(kind, tmp_path / "living") as living:
        (of_the_living,) = names_in(tmp_path)
        with writing(kind, tmp_path / "killed") as killed:
            killed.kill()
        assert len(names_in(tmp_path)) == 2
        with files.replacing(tmp_path / "next.txt") as temporary:
            temporary.write_text("whole")
        assert names_in(tmp_path) == [of_the_living, "next.txt"]
        living.stdin.close()
        assert living.wait() == 0
    assert names_in(tmp_path) == ["living", "next.txt"]


def test_an_empty_folder_in_which_a_process_was_killed_is_empty(tmp_path):
    with writing("folder", tmp_path) as living:
        with pytest.raises(InputError, match="is not empty"):
            files.check_new_folder("output", tmp_path)
        living.kill()
    files._remove_abandoned.cache_clear()  # as in the next run of a program
    with files.new_folder("output", tmp_path) as folder:
        (folder / "a").write_text("a")
    assert names_in(tmp_path) == ["a"]


def test_a_folder_is_locked_before_it_is_used(tmp_path, monkeypatch):
    """Another process may remove it in between."""
    lock, removed = files._lock, []

    def late(path):
        if not removed:
            removed.append(path)
            path.rmdir()
        return lock(path)

    monkeypatch.setattr(files, "_lock", late)
    with files.replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
    assert removed and names_in(tmp_path) == ["a.txt"]
