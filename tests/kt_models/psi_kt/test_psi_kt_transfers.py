"""What answers say of edges: slopes against differences, true edges found, verdicts."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.psi_kt import transfers
from kt_models.psi_kt.config import CONFIGS
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.forecast import verdict
from kt_models.psi_kt.parameters import PSIKTParameters, strongest_parents
from kt_models.psi_kt.transfers import ShareLikelihood, edge_posterior, share_likelihood
from kt_models.synthetic_psi_kt import simulate_psi_kt
from tests.kt_models.conformance import make_log
from tests.kt_models.psi_kt.made import made_parameters

PARENTS = replace(CONFIGS["psi_kt"], starts_at_target=True, transfer="parents")


def with_shares(parameters: PSIKTParameters, share: NDArray[np.float64]) -> PSIKTParameters:
    """Return the parameters with these shares (parent, child) and no others."""
    parents, kept, _, _ = strongest_parents(share, len(share))
    nothing = np.zeros(len(share) + 1)
    # What is not kept fills every sum up to one, so that a share moves nothing but its parent.
    rest = np.where(np.arange(len(nothing)) < len(share), 1.0 - kept.sum(axis=1), 0.0)
    return replace(parameters, parents=parents, parent_share=kept, rest=rest, rest_square=nothing)


@pytest.mark.parametrize("name", ["psi_kt", "psi_kt_extended"])
def test_slopes_are_those_of_the_filter_s_likelihood(name: str) -> None:
    answers = [1, 1, 0, 1]
    data = ResponseArrays.from_columns(
        ["x"] * 4, None, [["a"], ["a"], ["b"], ["c"]], answers,
        20_000.0 + np.array([0.0, 0.4, 3.0, 3.1]), time_unit="days",
    )  # fmt: skip
    made = made_parameters(name, data.skills, max_parents=3)
    made = replace(made, level_variance=1e-6, level_drift=0.0, trait_drift=0.0)
    base = with_shares(made, np.zeros((3, 3)))
    found = share_likelihood(base, FittedPSIKT(base).pulls, data)

    def log_likelihood(parent: int, child: int, share: float) -> float:
        shares = np.zeros((3, 3))
        shares[parent, child] = share
        p = FittedPSIKT(with_shares(made, shares)).predict(data)
        return float(np.log(np.where(data.correct == 1, p, 1.0 - p)).sum())

    for parent, child in ((0, 1), (0, 2), (1, 2)):
        step = 1e-4
        want = (log_likelihood(parent, child, step) - log_likelihood(parent, child, 0.0)) / step
        # Exact but for the weights of trait points, which the answer moves.
        assert found.slope[child, parent] == pytest.approx(want, rel=0.05, abs=0.012)
    # A parent that came later says nothing.
    assert found.slope[0, 1] == 0.0
    assert found.information[0, 1:].sum() == 0.0


def test_a_skill_that_a_child_leans_on_is_told_from_one_that_it_does_not() -> None:
    rng = np.random.default_rng(3)
    n = 500
    known = rng.normal(0.0, 1.2, (n, 2))
    odds = np.repeat(np.column_stack([known, 0.8 * known[:, 0]]), [6, 6, 4], axis=1)
    correct = (rng.random((n, 16)) < 1.0 / (1.0 + np.exp(-odds))).astype(np.int8)
    data = ResponseArrays.from_columns(
        [f"{learner:03}" for learner in range(n) for _ in range(16)],
        None,
        [[skill] for _ in range(n) for skill in "aaaaaabbbbbbcccc"],
        correct.ravel(),
        np.tile(20_000.0 + 0.01 * np.arange(16), n),
        time_unit="days",
    ).merged().data  # fmt: skip
    parameters = replace(
        made_parameters("psi_kt", data.skills, max_parents=2),
        config=PARENTS, trait_mean=np.array([-2.0, -2.0, 0.0]), level_mean=0.0, level_variance=0.05,
        start_mean=0.0, start_variance=1.4, level_drift=0.0, trait_drift=0.0,
    )  # fmt: skip
    graph = np.full((3, 3), 0.25) * (1.0 - np.eye(3))
    base = with_shares(parameters, graph / (1.0 + graph.sum(axis=0)))
    likelihood = share_likelihood(base, FittedPSIKT(base).pulls, data)
    found = edge_posterior(graph, likelihood, config=PARENTS, prior_sd=2.3)

    def said(parent: int) -> str:
        where = (parent, 2)
        return verdict(found.share[where], found.told[where], found.told_sd[where])

    assert said(0) == "supports"
    assert said(1) != "supports"
    assert found.weight[0, 2] > 0.5 > found.weight[1, 2]
    assert found.lower[1, 2] < found.weight[1, 2] < found.upper[1, 2]


def test_a_simulation_keeps_what_its_learners_know_where_it_is_asked_to() -> None:
    sizes = {"n_learners": 3, "n_responses": 5, "n_skills": 4}
    kept = simulate_psi_kt(np.random.default_rng(1), **sizes, keeps_knowledge=True)
    data, knowledge = kept.data, kept.truth.knowledge
    assert knowledge is not None
    practised = knowledge[np.arange(15), data.skill_index]
    np.testing.assert_allclose(1.0 / (1.0 + np.exp(-practised)), kept.p)
    base = made_parameters("psi_kt", data.skills)
    pulls = FittedPSIKT(base).pulls
    believed, true = (
        share_likelihood(base, pulls, data.merged().data, excess=excess)
        for excess in (None, knowledge - kept.truth.level[data.learner][:, None])
    )
    assert np.abs(true.slope - believed.slope).max() > 0.01
    assert simulate_psi_kt(np.random.default_rng(1), **sizes).truth.knowledge is None


def test_the_joint_and_the_single_way_agree_where_parents_do_not_hang_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = make_log(5, n_learners=12).merged().data
    parameters = made_parameters("psi_kt_extended", data.skills, data.items)
    pulls = FittedPSIKT(parameters).pulls
    whole = share_likelihood(parameters, pulls, data)
    monkeypatch.setattr(transfers, "_MOST_JOINT", 2)
    monkeypatch.setattr(transfers, "_TABLE_SIZE", 200)
    parts = share_likelihood(parameters, pulls, data)
    np.testing.assert_allclose(parts.slope, whole.slope, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        parts.information, np.diagonal(whole.information, axis1=1, axis2=2), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("transfer", ["skills", "parents"])
def test_without_answers_the_posterior_is_the_prior(transfer: str) -> None:
    config = replace(PARENTS, transfer=transfer)  # type: ignore[arg-type]
    graph = np.array([[0.0, 0.7, 0.2], [0.1, 0.0, 0.4], [0.3, 0.6, 0.0]])
    nothing = ShareLikelihood(slope=np.zeros((3, 3)), information=np.zeros((3, 3, 3)))
    found = edge_posterior(graph, nothing, config=config, prior_sd=1.0)
    np.testing.assert_allclose(found.weight, graph, atol=1e-9)
    off = ~np.eye(3, dtype=np.bool_)
    odds = np.log(graph[off] / (1.0 - graph[off]))
    for bound, side in ((found.lower, -1.0), (found.upper, 1.0)):
        want = 1.0 / (1.0 + np.exp(-(odds + side * 1.2815515655446004)))
        np.testing.assert_allclose(bound[off], want, rtol=1e-6)


def test_the_mode_is_the_highest_point() -> None:
    rng = np.random.default_rng(5)
    root = rng.normal(0.0, 6.0, (8, 3))
    root[:, 0] = 0.0
    information = np.zeros((3, 3, 3))
    information[0] = root.T @ root
    slope = np.zeros((3, 3))
    slope[0] = [0.0, 9.0, -7.0]
    graph = np.full((3, 3), 0.3) * (1.0 - np.eye(3))
    likelihood = ShareLikelihood(slope=slope, information=information)
    found = edge_posterior(graph, likelihood, config=PARENTS, prior_sd=2.0)

    def height(weight: NDArray[np.float64]) -> float:
        start = np.array([0.3, 0.3])
        moved = weight / (1.0 + weight.sum()) - start / (1.0 + start.sum())
        far = np.log(weight / (1.0 - weight)) - np.log(start / (1.0 - start))
        of_child = information[0][1:, 1:]
        return float(
            slope[0, 1:] @ moved - 0.5 * moved @ of_child @ moved - 0.5 * (far**2).sum() / 4.0
        )

    best = height(found.weight[1:, 0])
    grid = np.linspace(0.005, 0.995, 199)
    assert best >= max(height(np.array([a, b])) for a in grid for b in grid) - 1e-3


@pytest.mark.parametrize(
    ("share", "told", "told_sd", "said"),
    [
        (0.4, 0.3, 0.1, "supports"),
        (0.4, 0.0, 0.1, "contradicts"),
        (0.4, 0.1, 0.3, "undecided"),
        (0.4, float("nan"), float("nan"), "undecided"),
        (0.4, 0.0, 0.0, "undecided"),
    ],
)
def test_what_an_estimate_says_of_an_edge(
    share: float, told: float, told_sd: float, said: str
) -> None:
    assert verdict(share, told, told_sd) == said
