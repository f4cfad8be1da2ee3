"""EM against brute force over hidden paths, and what it must never do."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kt_models.bkt.em import PseudoCounts, Rates, e_step, log_prior, m_step
from kt_models.bkt.forest import Forest, copies, keep_problems, link_levels
from kt_models.bkt.parameters import MAX_GUESS_PLUS_SLIP
from kt_models.bkt.squarem import run
from kt_models.bkt.trie import build_trie, spread_roots

Sequence = tuple[int, tuple[int, ...]]


def forest_of(sequences: list[Sequence], *, n_skills: int) -> Forest:
    """Lay out (skill, answers) sequences with rates by skill."""
    indptr = np.cumsum([0, *(len(answers) for _, answers in sequences)])
    token = np.array([answer for _, answers in sequences for answer in answers])
    root = np.array([skill for skill, _ in sequences])
    trie = build_trie(root, indptr, token, n_tokens=2)
    problem = spread_roots(trie)
    own = np.arange(n_skills)
    return Forest(
        parent=trie.parent,
        links=link_levels(trie.parent, trie.level_ptr),
        problem=problem,
        emission=problem,
        learn=problem,
        is_correct=trie.token == 1,
        n_through=trie.n_through.astype(np.float64),
        n_end=trie.n_end.astype(np.float64),
        level_ptr=trie.level_ptr,
        root_problem=own,
        emission_problem=own,
        learn_problem=own,
        n_problems=n_skills,
    )


def some_rates(n: int, *, seed: int = 0, forgets: bool = True) -> Rates:
    rng = np.random.default_rng(seed)
    return Rates(
        prior=rng.uniform(0.1, 0.9, n),
        guess=rng.uniform(0.05, 0.45, n),
        slip=rng.uniform(0.05, 0.45, n),
        learn=rng.uniform(0.05, 0.5, n),
        forget=rng.uniform(0.01, 0.3, n) if forgets else np.zeros(n),
    )


def flat_counts(n: int, each: float) -> PseudoCounts:
    counts = np.full((2, n), each)
    return PseudoCounts(prior=counts, guess=counts, slip=counts, learn=counts, forget=counts)


def path_weights(answers: tuple[int, ...], k: int, r: Rates) -> dict[tuple[int, ...], float]:
    """Return P(path, answers) of every path of hidden states, 1 for known."""
    weights = {}
    for path in product((0, 1), repeat=len(answers)):
        p = r.prior[k] if path[0] else 1 - r.prior[k]
        for step, (state, answer) in enumerate(zip(path, answers, strict=True)):
            right = 1 - r.slip[k] if state else r.guess[k]
            p *= right if answer else 1 - right
            if step + 1 < len(path):
                to_known = 1 - r.forget[k] if state else r.learn[k]
                p *= to_known if path[step + 1] else 1 - to_known
        weights[path] = float(p)
    return weights


SEQUENCES: list[Sequence] = [
    (0, (1, 0, 1, 1)),
    (0, (1, 0, 1, 1)),
    (0, (1, 0)),
    (0, (0,)),
    (1, (0, 0, 1, 1, 1)),
    (1, (1, 0, 1, 0, 0)),
    (1, (1,)),
]


def brute_force(sequences: list[Sequence], r: Rates, n_skills: int) -> dict[str, NDArray]:
    found = {
        name: np.zeros(n_skills)
        for name in ("log_likelihood", "began_known", "learned", "not_learned", "forgot",
                     "not_forgot", "known_right", "known_wrong", "unknown_right", "unknown_wrong")
    }  # fmt: skip
    for k, answers in sequences:
        weights = path_weights(answers, k, r)
        total = sum(weights.values())
        found["log_likelihood"][k] += np.log(total)
        for path, weight in weights.items():
            share = weight / total
            found["began_known"][k] += share * path[0]
            for state, answer in zip(path, answers, strict=True):
                name = ("known" if state else "unknown") + ("_right" if answer else "_wrong")
                found[name][k] += share
            for a, b in pairwise(path):
                name = {(0, 1): "learned", (0, 0): "not_learned", (1, 0): "forgot",
                        (1, 1): "not_forgot"}[a, b]  # fmt: skip
                found[name][k] += share
    return found


def test_expected_counts_equal_a_sum_over_all_hidden_paths() -> None:
    rates = some_rates(2)
    expected = e_step(forest_of(SEQUENCES, n_skills=2), rates)
    truth = brute_force(SEQUENCES, rates, 2)
    for name in ("log_likelihood", "began_known", "learned", "not_learned", "forgot", "not_forgot"):
        np.testing.assert_allclose(getattr(expected, name), truth[name], rtol=1e-12)
    np.testing.assert_allclose(expected.known[1], truth["known_right"], rtol=1e-12)
    np.testing.assert_allclose(expected.known[0], truth["known_wrong"], rtol=1e-12)
    np.testing.assert_allclose(expected.unknown[1], truth["unknown_right"], rtol=1e-12)
    np.testing.assert_allclose(expected.unknown[0], truth["unknown_wrong"], rtol=1e-12)


sequences_strategy = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(0, 1), min_size=1, max_size=6).map(tuple)),
    min_size=1,
    max_size=8,
)


@given(sequences=sequences_strategy, seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_log_likelihood_equals_brute_force_on_any_log(sequences: list[Sequence], seed: int) -> None:
    rates = some_rates(3, seed=seed)
    expected = e_step(forest_of(sequences, n_skills=3), rates)
    truth = brute_force(sequences, rates, 3)
    np.testing.assert_allclose(expected.log_likelihood, truth["log_likelihood"], atol=1e-12)


@given(sequences=sequences_strategy)
@settings(max_examples=30, deadline=None)
def test_a_trie_keeps_every_sequence(sequences: list[Sequence]) -> None:
    forest = forest_of(sequences, n_skills=3)
    rebuilt: list[Sequence] = []
    for node in range(len(forest.parent)):
        for _ in range(int(forest.n_end[node])):
            answers, at = [], node
            while at >= forest.level_ptr[1]:
                answers.append(int(forest.is_correct[at]))
                at = int(forest.parent[at])
            answers.append(int(forest.is_correct[at]))
            rebuilt.append((int(forest.parent[at]), tuple(reversed(answers))))
    assert sorted(rebuilt) == sorted(sequences)
    assert len(forest.parent) <= sum(len(answers) for _, answers in sequences)


@pytest.mark.parametrize("forgets", [False, True])
def test_no_em_step_lowers_the_log_posterior(forgets: bool) -> None:
    rng = np.random.default_rng(1)
    sequences = [
        (int(rng.integers(4)), tuple(rng.integers(0, 2, rng.integers(1, 12)).tolist()))
        for _ in range(200)
    ]
    forest, pseudo = forest_of(sequences, n_skills=4), flat_counts(4, 0.5)
    rates = some_rates(4, forgets=forgets)
    before = np.full(4, -np.inf)
    for _ in range(40):
        expected = e_step(forest, rates)
        now = expected.log_likelihood + log_prior(forest, rates, pseudo, forgets=forgets)
        assert (now >= before - 1e-9).all()
        before, rates = now, m_step(expected, pseudo, forgets=forgets)
        assert (rates.guess + rates.slip <= MAX_GUESS_PLUS_SLIP + 1e-12).all()


def test_guess_and_slip_stay_below_one_on_answers_that_get_worse() -> None:
    """Falling success tempts plain EM to swap the meaning of the two states."""
    sequences = [(0, (1, 1, 1, 0, 0, 0, 0))] * 30
    solution = run(
        forest_of(sequences, n_skills=1),
        some_rates(1, forgets=False),
        flat_counts(1, 0.01),
        n_starts=1,
        forgets=False,
        tolerance=1e-6,
        max_cycles=200,
    )
    assert solution.rates.guess[0] + solution.rates.slip[0] <= MAX_GUESS_PLUS_SLIP + 1e-12


def _random_problem(n_skills: int) -> Forest:
    rng = np.random.default_rng(7)
    sequences = [
        (int(rng.integers(n_skills)), tuple((rng.random(rng.integers(1, 15)) < 0.7).astype(int)))
        for _ in range(300)
    ]
    return forest_of([(k, tuple(map(int, a))) for k, a in sequences], n_skills=n_skills)


def test_no_cycle_lowers_the_objective_and_the_end_is_where_plain_em_goes() -> None:
    forest, pseudo = _random_problem(3), flat_counts(3, 1.0)
    seen: list[NDArray[np.float64]] = []
    solution = run(
        forest,
        some_rates(3, forgets=False),
        pseudo,
        n_starts=1,
        forgets=False,
        tolerance=1e-9,
        max_cycles=500,
        on_cycle=lambda _, objective: seen.append(objective),
    )
    for earlier, later in pairwise(seen):
        both = np.isfinite(earlier) & np.isfinite(later)
        assert (later[both] >= earlier[both] - 1e-9).all()
    rates = some_rates(3, forgets=False)
    for _ in range(1000):
        rates = m_step(e_step(forest, rates), pseudo, forgets=False)
    plain = e_step(forest, rates).log_likelihood + log_prior(forest, rates, pseudo, forgets=False)
    np.testing.assert_allclose(solution.objective, plain, atol=1e-3)


def test_copies_and_cuts_of_a_forest_leave_each_problem_as_it_was() -> None:
    forest = _random_problem(4)
    rates = some_rates(12)
    alone = np.concatenate(
        [
            e_step(forest, Rates(*(getattr(rates, name)[4 * copy : 4 * copy + 4]
                                   for name in ("prior", "guess", "slip", "learn", "forget"))))
            .log_likelihood
            for copy in range(3)
        ]
    )  # fmt: skip
    tripled = copies(forest, 3)
    np.testing.assert_allclose(e_step(tripled, rates).log_likelihood, alone, rtol=1e-12)
    is_kept = np.array([True, False, False, True] * 2 + [False, False, True, False])
    kept = keep_problems(tripled, is_kept)
    few = Rates(
        *(getattr(rates, name)[is_kept] for name in ("prior", "guess", "slip", "learn", "forget"))
    )
    np.testing.assert_allclose(e_step(kept.forest, few).log_likelihood, alone[is_kept], rtol=1e-12)
    assert kept.problems.tolist() == np.flatnonzero(is_kept).tolist()


def test_more_starts_never_end_lower() -> None:
    forest, pseudo = _random_problem(3), flat_counts(3, 1.0)
    first = some_rates(3, seed=5, forgets=False)
    others = some_rates(9, seed=6, forgets=False)
    both = Rates(
        *(
            np.concatenate([getattr(first, name), getattr(others, name)])
            for name in ("prior", "guess", "slip", "learn", "forget")
        )
    )
    options = {"forgets": False, "tolerance": 1e-6, "max_cycles": 300}
    one = run(forest, first, pseudo, n_starts=1, **options)
    four = run(copies(forest, 4), both, flat_counts(12, 1.0), n_starts=4, **options)
    assert (four.objective >= one.objective - 1e-2).all()


def test_a_long_success_before_many_errors_does_not_get_stuck_at_certainty() -> None:
    """P(known) rounds to 1 after such a run; the chance of not knowing must survive."""
    forest = forest_of([(0, (1,) * 80 + (0,) * 40)], n_skills=1)
    rates = Rates(*(np.array([value]) for value in (0.5, 0.2, 0.1, 0.2, 0.0)))
    unknown = 0.5
    log_likelihood = 0.0
    for answer in (1,) * 80 + (0,) * 40:
        p = (1 - unknown) * 0.9 + unknown * 0.2
        log_likelihood += np.log(p if answer else 1 - p)
        unknown *= (0.2 / p) if answer else (0.8 / (1 - p))
        unknown *= 0.8
    np.testing.assert_allclose(e_step(forest, rates).log_likelihood, log_likelihood, rtol=1e-12)
