import numpy as np
import pytest

from kt_models.errors import ConfigError
from kt_models.synthetic_psi_kt import simulate_psi_kt


def test_the_same_seed_gives_the_same_log_and_answers_follow_their_probabilities() -> None:
    one, two = (
        simulate_psi_kt(np.random.default_rng(1), n_learners=60, n_responses=40, n_skills=8)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.data.correct, two.data.correct)
    assert abs(float(one.data.correct.mean()) - float(one.p.mean())) < 0.03
    assert one.data.n_responses == 2400


def test_edges_go_from_lower_to_higher_skills_only_and_have_their_number_of_parents() -> None:
    edges = simulate_psi_kt(
        np.random.default_rng(2), n_learners=2, n_responses=2, n_skills=10, n_parents=3
    ).truth.edges
    assert not np.tril(edges).any()
    assert (edges > 0).sum(axis=0).tolist() == [0, 1, 2, 3, 3, 3, 3, 3, 3, 3]


def test_learners_with_a_higher_level_answer_better() -> None:
    found = simulate_psi_kt(np.random.default_rng(3), n_learners=200, n_responses=40, n_skills=5)
    share = found.data.correct.reshape(200, 40).mean(axis=1)
    assert np.corrcoef(share, found.truth.level)[0, 1] > 0.6


def test_a_pull_of_the_published_size_is_weaker_than_one_of_the_parents_own() -> None:
    def spread(divisor: str) -> float:
        found = simulate_psi_kt(
            np.random.default_rng(4), n_learners=300, n_responses=20, n_skills=30,
            divisor=divisor,  # type: ignore[arg-type]
        )  # fmt: skip
        return float(np.log(found.p / (1.0 - found.p)).std())

    assert spread("parents") > spread("skills") * 1.05


@pytest.mark.parametrize("bad", [{"divisor": "half"}, {"edge": 1.5}, {"n_parents": -1}], ids=str)
def test_settings_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        simulate_psi_kt(
            np.random.default_rng(0),
            n_learners=2,
            n_responses=2,
            n_skills=2,
            **bad,  # type: ignore[arg-type]
        )
