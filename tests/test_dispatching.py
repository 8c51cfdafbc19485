"""Who does which task, by workers that only say what is asked of them."""

import collections

import pytest

from tfstyle.batch.dispatching import DEPTH, DONE, LOST, READY, TRIES, Event, dispatch
from tfstyle.errors import InputError


class Pool:
    """Workers that end with tasks of `deadly`, or before they are ready."""

    def __init__(self, size, deadly=(), starting=True):
        self.size, self._deadly, self._starting = size, deadly, starting
        self.had = collections.defaultdict(list)  # tasks by worker
        self.together = []  # tasks that a worker had at once, after each that it was given
        self._alive, self._events = {}, []

    def start(self):
        worker = f"worker {len(self.had)}"
        self.had[worker] = []
        self._alive[worker] = []
        self._events.append(Event(worker, READY if self._starting else LOST))
        return worker

    def submit(self, worker, number, task):
        self.had[worker].append(task)
        self._alive[worker].append((number, task))
        self.together.append([one for _, one in self._alive[worker]])

    def wait(self, seconds):
        events, self._events = self._events, []
        for worker, tasks in [*self._alive.items()]:
            if any(task in self._deadly for _, task in tasks):
                del self._alive[worker]
                events.append(Event(worker, LOST))
            elif tasks:
                number, task = tasks.pop(0)
                events.append(Event(worker, DONE, number, task.upper()))
        return events


def test_each_task_is_done_once_and_none_is_taken_before_there_is_room():
    taken = []

    def tasks():
        for letter in "abcdefghij":
            taken.append(letter)
            yield letter

    pool, found = Pool(2), []
    for task, result in dispatch(pool, tasks()):
        assert result == task.upper()
        found.append(task)
        assert len(taken) - len(found) <= 2 * DEPTH
    assert sorted(found) == taken == [*"abcdefghij"]
    assert max(map(len, pool.together)) == DEPTH
    assert {len(own) for own in pool.had.values()} == {5}, "both have as many"


def test_what_ends_its_workers_is_given_up_and_nothing_else():
    pool = Pool(2, deadly="cg")
    found = [*dispatch(pool, "abcdefghij")]
    assert sorted(found) == [(one, None if one in "cg" else one.upper()) for one in "abcdefghij"]
    for deadly in "cg":
        with_it = [tasks for tasks in pool.together if deadly in tasks]
        assert sum(deadly in own for own in pool.had.values()) == TRIES
        assert with_it[-1] == [deadly], "in the end alone, so that no other is blamed"


def test_a_stop_finishes_what_was_begun():
    found = []
    for task, _ in dispatch(Pool(2), iter("abcdefghij"), lambda: len(found) >= 3):
        found.append(task)
    assert 3 <= len(found) <= 3 + 2 * DEPTH and found == [*"abcdefghij"][: len(found)]


def test_workers_that_cannot_start_end_the_run():
    with pytest.raises(InputError, match="--workers: they end before they have loaded the model"):
        [*dispatch(Pool(2, starting=False), "ab")]


def test_no_tasks_are_no_work():
    assert [*dispatch(Pool(2), "")] == []
