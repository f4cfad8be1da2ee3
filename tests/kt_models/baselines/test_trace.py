"""A logistic model from counts: the numbers that its batch gives, whatever the history."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, TimeUnit
from kt_models.baselines.logistic import CONFIGS, FittedLogistic, LogisticTracer
from kt_models.baselines.solver import sigmoid
from kt_models.baselines.trace import NOTHING, LogisticTrace, Trace, trace_dump, trace_load
from kt_models.protocol import Observation
from tests.kt_models.conformance import make_log


def fit(name: str, log: ResponseArrays) -> FittedLogistic:
    # Weights that are drawn show a wrong column that a small log's fit would shrink away.
    config = replace(CONFIGS[name], small_n=0, max_iterations=3)
    fitted = LogisticTracer(name, config=config).fit(log, seed=0)
    rng = np.random.default_rng(0)
    weights = replace(
        fitted.weights,
        sparse=rng.normal(0.0, 0.3, fitted.weights.sparse.shape),
        dense=rng.normal(0.0, 0.3, fitted.weights.dense.shape),
    )
    return FittedLogistic(
        name, weights, fitted.rates, features=fitted.features, time_unit=fitted.time_unit
    )


def one_by_one(fitted: FittedLogistic, log: ResponseArrays) -> NDArray[np.float64]:
    """Return (n,) forecasts, each from the trace of the answers before it, kept as JSON."""
    serving = LogisticTrace(fitted)
    found = np.empty(log.n_responses)
    trace, learner = NOTHING, -1
    for row in range(log.n_responses):
        if log.learner[row] != learner:
            trace, learner = NOTHING, int(log.learner[row])
        skills, item, at = log.skills_of(row), log.item_of(row), float(log.time[row])
        found[row] = serving.logits(trace, [(skills, item)], at=at)[0]
        trace = serving.after(trace, Observation(skills, item, bool(log.correct[row]), at))
        trace = trace_load(json.loads(json.dumps(trace_dump(trace))))
    return sigmoid(found)


@pytest.mark.parametrize("time_unit", ["days", "index"])
@pytest.mark.parametrize("name", ["pfa", "das3h", "das3h_items"])
def test_counts_give_the_numbers_of_the_batch(name: str, time_unit: TimeUnit) -> None:
    fitted = fit(name, make_log(0, n_learners=60, n_responses=60, time_unit=time_unit))
    assert len(fitted.rates.pairs) > 3
    # Other learners, with items and a skill that the model does not know.
    log = make_log(1, n_learners=20, n_responses=90, n_skills=6, time_unit=time_unit).merged().data
    assert not set(log.skills) <= set(fitted.rates.skills)
    p = fitted.predict(log)
    assert p.std() > 0.1
    np.testing.assert_allclose(one_by_one(fitted, log), p, atol=1e-9)


def test_candidates_are_asked_at_once_as_each_alone() -> None:
    log = make_log(0, n_learners=40, n_responses=40)
    serving = LogisticTrace(fit("das3h_items", log))
    trace = NOTHING
    for number in range(25):
        skills = (f"s{number % 4}", f"s{(number + 1) % 5}")[: 1 + number % 2]
        told = Observation(skills, f"i0-{number % 5}", number % 3 > 0, 20_000.0 + number / 7)
        trace = serving.after(trace, told)
    asked = [(("s0",), "i0-1"), (("s1", "s3", "new"), None), (("new",), "new"), (("s4",), "i0-2")]
    together = serving.logits(trace, asked, at=20_010.0)
    alone = [serving.logits(trace, [one], at=20_010.0)[0] for one in asked]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert len(set(together.round(6))) == 4


def test_a_trace_grows_with_skills_and_items_and_not_with_answers() -> None:
    serving = LogisticTrace(fit("das3h_items", make_log(0)))
    trace: Trace = NOTHING
    sizes = []
    for number in range(4000):
        # A month reaches back over the last few hundred.
        told = Observation((f"s{number % 4}",), f"i{number % 9}", True, 20_000.0 + number / 8)
        trace = serving.after(trace, told)
        sizes.append(len(json.dumps(trace_dump(trace))))
    assert sizes[-1] < 1.2 * sizes[1500] < 20_000
