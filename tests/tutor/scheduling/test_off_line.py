"""Off-line evaluation recovers what a policy would have brought, on a log whose truth is known."""

from itertools import pairwise

import numpy as np
import pytest

from tutor.scheduling.off_line import Decision, TargetPolicy, evaluate

TERMS = ({"learn": 0.3, "review": 0.0}, {"learn": 0.0, "review": 0.3})
REWARD = (0.9, 0.4)


def sittings(n: int, *, length: int, seed: int) -> list[list[Decision]]:
    """Decisions drawn by the target-shaped logging policy, with the truth of REWARD."""
    rng = np.random.default_rng(seed)
    propensities = TargetPolicy(temperature=0.5).propensities(TERMS).tolist()
    made = []
    for _ in range(n):
        row = []
        for _ in range(length):
            drawn = int(rng.random() > propensities[0])
            row.append(
                Decision(
                    terms=TERMS,
                    propensities=propensities,
                    drawn=drawn,
                    reward=float(rng.random() < REWARD[drawn]),
                )
            )
        made.append(row)
    return made


def test_the_value_of_another_policy_is_found() -> None:
    target = TargetPolicy(factors={"review": 0.0}, temperature=0.5, epsilon=0.1)
    expected = float(target.propensities(TERMS) @ np.array(REWARD))
    found = evaluate(
        sittings(3000, length=3, seed=5), target, most_decisions=3, rng=np.random.default_rng(0)
    )
    assert found.plain.low < expected < found.plain.high
    assert found.weighted.low < expected < found.weighted.high
    assert found.n_decisions == 9000


def test_the_logging_policy_itself_is_worth_what_was_logged() -> None:
    log = sittings(200, length=4, seed=6)
    target = TargetPolicy(temperature=0.5)
    found = evaluate(log, target, most_decisions=4, rng=np.random.default_rng(0))
    assert found.plain.value == pytest.approx(found.logged.value)
    assert found.weighted.value == pytest.approx(found.logged.value)
    assert found.effective_sizes == pytest.approx([200.0] * 4)


def test_weights_that_differ_leave_fewer_effective_sittings() -> None:
    target = TargetPolicy(factors={"learn": 6.0}, temperature=0.5)
    found = evaluate(
        sittings(200, length=4, seed=7), target, most_decisions=4, rng=np.random.default_rng(0)
    )
    sizes = found.effective_sizes
    assert sizes[0] < 200
    assert all(later < earlier for earlier, later in pairwise(sizes))


def test_an_empty_log_and_a_bad_propensity_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no logged decision"):
        evaluate([[]], TargetPolicy(), most_decisions=3, rng=rng)
    bad = Decision(terms=TERMS, propensities=(0.0, 1.0), drawn=0, reward=1.0)
    with pytest.raises(ValueError, match=r"0\.0, expected above 0"):
        evaluate([[bad]], TargetPolicy(), most_decisions=3, rng=rng)
