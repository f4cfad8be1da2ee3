import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt_models.baselines.history import (
    Groups,
    by_learner,
    by_learner_item,
    group_entries,
    skill_entries,
)
from tests.kt_models.conformance import make_log

ENTRIES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.sampled_from([0.0, 0.5, 2.0])),
    min_size=1,
    max_size=30,
)


def earlier(keys: np.ndarray, entry: int) -> np.ndarray:
    return np.flatnonzero(keys[:entry] == keys[entry])


def built(
    entries: list[tuple[int, int, float]],
) -> tuple[Groups, np.ndarray, np.ndarray, np.ndarray]:
    keys, values, gaps = (np.array(column) for column in zip(*entries, strict=True))
    return group_entries(keys), keys, values.astype(float), np.cumsum(gaps)


@given(ENTRIES)
def test_sums_over_earlier_entries_equal_a_plain_loop(
    entries: list[tuple[int, int, float]],
) -> None:
    groups, keys, values, time = built(entries)
    sums, counts = groups.recent(values, span=2)
    for entry in range(len(keys)):
        before = earlier(keys, entry)
        assert groups.before(values)[entry] == pytest.approx(values[before].sum())
        assert sums[entry] == pytest.approx(values[before[-2:]].sum())
        assert counts[entry] == len(before[-2:])
        inside = before[time[before] >= time[entry] - 1.0]
        found = groups.within(values, time, window_days=1.0)[entry]
        assert found == pytest.approx(values[inside].sum())


@given(ENTRIES)
def test_the_gap_is_to_the_entry_before_and_unknown_for_the_first(
    entries: list[tuple[int, int, float]],
) -> None:
    groups, keys, _, time = built(entries)
    gaps = groups.since(time)
    for entry in range(len(keys)):
        before = earlier(keys, entry)
        if len(before):
            assert gaps[entry] == pytest.approx(time[entry] - time[before[-1]])
        else:
            assert np.isnan(gaps[entry])


def test_counts_of_a_real_shape_follow_learner_skill_and_item() -> None:
    data = make_log(0).merged().data
    entries = skill_entries(data)
    attempts = entries.groups.before(np.ones(len(entries.row)))
    of_learner = by_learner(data).before(np.ones(data.n_responses))
    of_item = by_learner_item(data).before(np.ones(data.n_responses))
    seen: dict[tuple[int, str], int] = {}
    seen_items: dict[tuple[int, str], int] = {}
    entry = 0
    for row in range(data.n_responses):
        learner = int(data.learner[row])
        assert of_learner[row] == np.count_nonzero(data.learner[:row] == learner)
        item = data.item_of(row)
        assert of_item[row] == (0 if item is None else seen_items.get((learner, item), 0))
        if item is not None:
            seen_items[learner, item] = seen_items.get((learner, item), 0) + 1
        for skill in data.skills_of(row):
            assert attempts[entry] == seen.get((learner, skill), 0)
            seen[learner, skill] = seen.get((learner, skill), 0) + 1
            entry += 1
