"""What answers say of items: against brute force, and on answers whose truth is known."""

import numpy as np
import pytest

from tutor.dashboards.item_facts import (
    REST_LEAST,
    Facts,
    ItemFlag,
    ItemLog,
    Written,
    WrongAnswer,
    correlation_interval,
    facts_by,
    item_flags,
    levels,
    share_interval,
    wrong_answers,
)


def log_of(rows: list[tuple[int, int, bool]], *, skill: int = 1) -> ItemLog:
    learner, item, right = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    return ItemLog(
        learner=learner,
        item=item,
        skill=np.full(n, skill),
        is_right=right.astype(bool),
        is_help=np.zeros(n, dtype=bool),
        elapsed_ms=np.arange(1.0, n + 1.0) * 1000,
    )


def drawn(seed: int, *, n_learners: int = 60, n_items: int = 12) -> list[tuple[int, int, bool]]:
    rng = np.random.default_rng(seed)
    ability = rng.normal(0, 1.2, n_learners)
    rows = []
    for learner in range(n_learners):
        for item in rng.permutation(n_items)[: rng.integers(7, n_items + 1)]:
            for _ in range(rng.integers(1, 3)):
                p = 1 / (1 + np.exp(-(ability[learner] - item / 4 + 1)))
                rows.append((learner, int(item), bool(rng.random() < p)))
    return rows


def test_difficulty_and_discrimination_equal_brute_force() -> None:
    rows = drawn(3)
    found = facts_by(log_of(rows), log_of(rows).item)
    first: dict[tuple[int, int], bool] = {}
    for learner, item, right in rows:
        first.setdefault((learner, item), right)
    for item, facts in found.items():
        pairs = []
        for (learner, other), right in first.items():
            if other != item:
                continue
            rest = [r for (who, what), r in first.items() if who == learner and what != item]
            pairs.append((right, rest))
        assert facts.attempts == sum(row[1] == item for row in rows)
        assert facts.right is not None
        assert facts.right.n == len(pairs)
        assert facts.right.value == pytest.approx(np.mean([right for right, _ in pairs]))
        counted = [(right, np.mean(rest)) for right, rest in pairs if len(rest) >= REST_LEAST]
        x, y = zip(*counted, strict=True)
        assert facts.discrimination is not None
        assert facts.discrimination.value == pytest.approx(np.corrcoef(x, y)[0, 1])
        assert facts.discrimination.n == len(counted)
        elsewhere = [np.mean(rest) for _, rest in pairs if rest]
        assert facts.elsewhere == pytest.approx(np.mean(elsewhere))


def test_a_learner_counts_once_however_often_they_answer() -> None:
    rows = [(1, 5, False)] + [(1, 5, True)] * 9 + [(2, 5, True)]
    facts = facts_by(log_of(rows), log_of(rows).item)[5]
    assert facts.attempts == 11
    assert facts.right is not None
    assert (facts.right.n, facts.right.value) == (2, 0.5)


def test_medians_of_even_and_odd_counts() -> None:
    log = log_of([(1, 5, True), (2, 5, True), (1, 6, True), (2, 5, True), (2, 6, False)])
    found = facts_by(log, log.item)
    assert found[5].median_seconds == 2.0
    assert found[6].median_seconds == 4.0


def test_nothing_gives_nothing() -> None:
    empty = ItemLog(*(np.zeros(0, dtype=int) for _ in range(3)), *(np.zeros(0),) * 3)  # type: ignore[arg-type]
    assert facts_by(empty, empty.item) == {}
    assert levels(empty) == {}
    assert share_interval(0, 0) is None


def test_intervals_hold_their_values() -> None:
    share = share_interval(0, 10)
    assert share is not None
    assert share.lower == 0.0
    assert 0.2 < share.upper < 0.35
    wide, narrow = correlation_interval(0.5, 10), correlation_interval(0.5, 1000)
    assert wide.lower < narrow.lower < 0.5 < narrow.upper < wide.upper


def test_only_what_two_learners_wrote_is_a_common_wrong_answer() -> None:
    written = [
        Written(1, " 3/4 ", "adds"),
        Written(2, "3/4", ""),
        Written(2, "3/4", ""),
        Written(3, "Ada Lovelace", ""),
        Written(3, "Ada Lovelace", ""),
    ]
    assert wrong_answers(written) == (WrongAnswer(text="3/4", n=2, misconception="adds", times=3),)


def facts(**given: object) -> Facts:
    whole: dict[str, object] = {
        "key": 1,
        "attempts": 40,
        "n_right": 20,
        "right": share_interval(20, 40),
        "discrimination": correlation_interval(0.4, 40),
        "elsewhere": 0.7,
        "help_share": 0.1,
        "median_seconds": 20.0,
    }
    return Facts(**(whole | given))  # type: ignore[arg-type]


def test_a_sound_item_raises_no_flag() -> None:
    wrong = (WrongAnswer("8", 18, "", times=19),)
    assert item_flags(facts(wrong=wrong), level_of_commonest=0.2, level=0.6) == ()


@pytest.mark.parametrize(
    ("given", "level", "expected"),
    [
        ({"n_right": 3}, 0.2, ItemFlag.NOBODY),
        ({"discrimination": correlation_interval(-0.5, 40)}, 0.2, ItemFlag.NEGATIVE),
        ({"wrong": (WrongAnswer("8", 18, "", times=24),)}, 0.8, ItemFlag.WRONG_KEY),
        ({"wrong": (WrongAnswer("7.0", 2, "", is_equivalent=True),)}, 0.2, ItemFlag.EQUIVALENT),
    ],
)
def test_each_kind_of_broken_item_is_named(
    given: dict[str, object], level: float, expected: ItemFlag
) -> None:
    assert item_flags(facts(**given), level_of_commonest=level, level=0.6) == (expected,)


def test_few_learners_break_no_item() -> None:
    few = facts(right=share_interval(0, 6), discrimination=correlation_interval(-0.9, 6))
    assert item_flags(few, level_of_commonest=0.9, level=0.5) == ()
