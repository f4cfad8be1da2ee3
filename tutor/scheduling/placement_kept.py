"""Placement tests kept in the process, so that a question costs one answer's work, not all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from tutor.scheduling.graph_arrays import GraphArrays
from tutor.scheduling.placement import PlacementConfig, PlacementTest, placement_replay

# On 1,500 skills one takes about a megabyte.
MOST_KEPT = 32


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    arrays: GraphArrays
    answers: tuple[tuple[int, bool], ...]
    test: PlacementTest


_kept: dict[int, _Kept] = {}
_lock = Lock()


@contextmanager
def lent_test(
    seed: int,
    arrays: GraphArrays,
    answers: Sequence[tuple[int, bool]],
    *,
    config: PlacementConfig,
) -> Iterator[PlacementTest]:
    """Lend the test of a placement's seed as it stands after the answers.

    What is kept is only a shorter way: where it does not fit (another version of the course,
    another process took the answers, a transaction was undone) the test is replayed from the
    beginning. Nobody else has it while it is lent.
    """
    given = tuple(answers)
    with _lock:
        found = _kept.pop(seed, None)
    if found is None or found.arrays is not arrays or found.answers != given[: len(found.answers)]:
        test = placement_replay(arrays, given, seed=seed, config=config)
    else:
        test = found.test
        for row, is_right in given[len(found.answers) :]:
            test.answer(row, is_right=is_right)
    yield test
    with _lock:
        _kept[seed] = _Kept(arrays=arrays, answers=given, test=test)
        while len(_kept) > MOST_KEPT:
            _kept.pop(next(iter(_kept)))


def kept_clear() -> None:
    """Forget all, as a new process has."""
    with _lock:
        _kept.clear()
