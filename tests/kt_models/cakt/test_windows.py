"""Windows against a slow loop over learners, and what they may see."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.cakt.config import WindowOf
from kt_models.cakt.windows import Windows, windows_of
from kt_models.networks.sequences import sequences_of, tokens_of
from tests.kt_models.conformance import flip, make_log

Pairs = list[tuple[int, int]]

histories = st.lists(
    st.lists(
        st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True), st.booleans()),
        min_size=1,
        max_size=14,
    ),
    min_size=1,
    max_size=4,
)


def log_of(learners: list[list[tuple[list[int], bool]]]) -> ResponseArrays:
    rows = [
        (f"l{code}", skills, right) for code, one in enumerate(learners) for skills, right in one
    ]
    return ResponseArrays.from_columns(
        [row[0] for row in rows],
        None,
        [[f"s{skill}" for skill in row[1]] for row in rows],
        [int(row[2]) for row in rows],
        np.concatenate([np.arange(len(one)) for one in learners]),
        time_unit="index",
    )


def slow_windows(
    data: ResponseArrays, skills: NDArray[np.str_], *, k: int, fold: int | None, window: WindowOf
) -> list[Pairs]:
    """Return the (token, gap) pairs of each entry's window, oldest first, without padding."""
    codes = {str(skill): code for code, skill in enumerate(skills)}
    found: list[Pairs] = []
    learner, at, previous = -1, 0, ""
    past: dict[str, Pairs] = defaultdict(list)
    for row in range(data.n_responses):
        at += 1
        if data.learner[row] != learner or (fold is not None and at % fold == 0):
            at = 0 if data.learner[row] != learner else at
            learner, previous = int(data.learner[row]), ""
            past = defaultdict(list)
        for skill in data.skills_of(row):
            asked = previous if window == "current" else skill
            frames = past[asked][-k:] if asked in codes else []
            found.append([(token, at - when) for token, when in frames])
        for skill in data.skills_of(row):
            token = codes.get(skill, 0) + len(skills) * int(data.correct[row])
            past[skill].append((token, at))
        previous = data.skills_of(row)[0]
    return found


def as_pairs(windows: Windows, *, padding: int) -> list[Pairs]:
    token, gap = windows.token[windows.of_entry], windows.gap[windows.of_entry]
    return [
        [(int(t), int(g)) for t, g in zip(tokens, gaps, strict=True) if t != padding]
        for tokens, gaps in zip(token, gap, strict=True)
    ]


@given(
    histories,
    st.integers(1, 4),
    st.sampled_from([None, 1, 3]),
    st.sampled_from(["next", "current"]),
)
def test_windows_are_those_of_a_loop_over_the_log(
    learners: list[list[tuple[list[int], bool]]], k: int, fold: int | None, window: WindowOf
) -> None:
    data = log_of(learners)
    skills = np.array(["s0", "s1", "s3"])  # s2 is unknown
    tokens = tokens_of(data, skills)
    windows = windows_of(tokens, sequences_of(data, fold=fold), n_frames=k, window=window)
    found = as_pairs(windows, padding=2 * len(skills))
    assert found == slow_windows(data, skills, k=k, fold=fold, window=window)


@given(histories)
def test_fewer_frames_than_asked_leave_padding_at_the_old_end_only(
    learners: list[list[tuple[list[int], bool]]],
) -> None:
    data = log_of(learners)
    tokens = tokens_of(data, data.skills)
    windows = windows_of(tokens, sequences_of(data, fold=None), n_frames=4)
    is_there = windows.token != 2 * len(data.skills)
    assert (np.diff(is_there.astype(int), axis=1) >= 0).all()
    assert (windows.gap[is_there] >= 1).all()
    assert not windows.gap[~is_there].any()


def test_equal_windows_are_kept_once() -> None:
    log = make_log(0).merged().data
    windows = windows_of(tokens_of(log, log.skills), sequences_of(log, fold=None), n_frames=3)
    both = np.column_stack([windows.token, windows.gap])
    assert len(np.unique(both, axis=0)) == len(both) < len(windows.of_entry)


@pytest.mark.parametrize("window", ["next", "current"])
def test_a_window_never_holds_its_own_or_a_later_answer(window: WindowOf) -> None:
    log = make_log(1).merged().data

    def frames(data: ResponseArrays) -> NDArray[np.int32]:
        tokens = tokens_of(data, data.skills)
        found = windows_of(tokens, sequences_of(data, fold=None), n_frames=4, window=window)
        return found.token[found.of_entry]

    before = frames(log)
    for row in (3, 40, 90):
        after = frames(flip(log, [row]))
        end = int(log.skill_indptr[row + 1])
        np.testing.assert_array_equal(after[:end], before[:end])
        assert (after[end:] != before[end:]).any()
