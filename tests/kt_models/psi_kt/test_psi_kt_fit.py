"""Fits: repeatable, resumable, warm, stopped by NaN; graphs of authors; evidence of edges."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kt_models.arrays import ResponseArrays
from kt_models.errors import ConfigError, DataError, FitError
from kt_models.evaluate.metrics import auc, score
from kt_models.networks.checkpoint import FILE_NAME
from kt_models.psi_kt import fit as fitting
from kt_models.psi_kt.config import CONFIGS
from kt_models.psi_kt.evidence import edge_evidence
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.packing import pack
from kt_models.psi_kt.structured import Paths, entries_of
from kt_models.psi_kt.tracer import PSIKTTracer
from kt_models.registry import load_tracer
from kt_models.synthetic import simulate_ou
from tests.kt_models.conformance import make_log

SMALL = replace(CONFIGS["psi_kt_extended"], steps=6, embedding=4, window=10, fit_particles=4)


class KilledError(Exception):
    """Stands for a worker that dies."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def log() -> ResponseArrays:
    return make_log(5, n_learners=16, n_responses=20)


def fit(
    data: ResponseArrays,
    checkpoint: Path | None = None,
    *,
    seed: int = 0,
    dies_after: float = 2.0,
    told: list[float] | None = None,
) -> FittedPSIKT:
    def progress(share: float, message: str) -> None:
        if told is not None:
            told.append(share)
        if share >= dies_after:
            raise KilledError(message)

    tracer = PSIKTTracer("psi_kt_extended", config=SMALL)
    return tracer.fit(data, seed=seed, progress=progress, checkpoint=checkpoint)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(log: ResponseArrays) -> None:
    runs = [fit(log, seed=seed).predict(log) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 1e-5


def test_a_killed_fit_ends_as_if_it_had_never_stopped(log: ResponseArrays, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        fit(log, tmp_path, dies_after=0.6)
    told: list[float] = []
    resumed = fit(log, tmp_path, told=told)
    assert min(told) > 0.5
    np.testing.assert_array_equal(resumed.predict(log), fit(log).predict(log))


def test_a_long_fit_tells_its_progress_between_windows_and_in_its_last_pass(
    log: ResponseArrays,
) -> None:
    told: list[float] = []
    config = replace(SMALL, steps=1, epochs=2, group=4, window=5)
    tracer = PSIKTTracer("psi_kt_extended", config=config)
    tracer.fit(log, seed=0, progress=lambda share, _message: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0
    # Two epochs and the pass for edges, a third each.
    for third in range(3):
        assert sum(third / 3 < share < (third + 1) / 3 for share in told) > 2


def test_a_gpu_that_is_not_there_is_refused_in_words(log: ResponseArrays) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    tracer = PSIKTTracer("psi_kt_extended", config=replace(SMALL, device="cuda"))
    with pytest.raises(ConfigError, match="torch sees no GPU here"):
        tracer.fit(log, seed=0)


@pytest.mark.parametrize("damage", ["other seed", "garbage"])
def test_a_checkpoint_of_another_fit_is_not_used(
    log: ResponseArrays, tmp_path: Path, damage: str
) -> None:
    with pytest.raises(KilledError):
        fit(log, tmp_path, dies_after=0.6)
    if damage == "garbage":
        (tmp_path / FILE_NAME).write_bytes(b"not a checkpoint")
    seed = 9 if damage == "other seed" else 0
    told: list[float] = []
    fit(log, tmp_path, seed=seed, told=told)
    assert min(told) < 0.5


def test_a_loss_that_is_no_number_stops_the_fit_at_once_and_says_where(
    log: ResponseArrays,
) -> None:
    packed = pack(log.merged().data, unit_steps=False)
    packed.gap_days[7, 0] = np.nan
    with pytest.raises(FitError, match=r"response 7 .* epoch 0, learners 0 to .*, window 0"):
        fitting.fit_variables(packed, config=SMALL, seed=0)


def test_a_fit_leaves_torch_s_own_random_state_alone(log: ResponseArrays) -> None:
    before = torch.get_rng_state()
    fit(log)
    assert torch.equal(before, torch.get_rng_state())


def test_a_refit_begins_where_the_earlier_fit_ended(log: ResponseArrays) -> None:
    config = replace(SMALL, steps=20, learning_rate=0.1)
    earlier = PSIKTTracer("psi_kt_extended", config=config).fit(log, seed=0)
    brief = replace(SMALL, steps=1, epochs=1, learning_rate=1e-9)
    warm = PSIKTTracer("psi_kt_extended", config=brief, start=earlier).fit(log, seed=1)
    cold = PSIKTTracer("psi_kt_extended", config=brief).fit(log, seed=1)
    np.testing.assert_allclose(warm.predict(log), earlier.predict(log), atol=0.01)
    assert np.abs(cold.predict(log) - earlier.predict(log)).max() > 0.02


def test_a_refit_takes_new_skills_and_items_in(log: ResponseArrays) -> None:
    early = log.take(
        np.array([not {"s4"} & set(log.skills_of(row)) for row in range(len(log.time))])
    )
    earlier = PSIKTTracer("psi_kt_extended", config=SMALL).fit(early, seed=0)
    refit = PSIKTTracer("psi_kt_extended", config=SMALL, start=earlier).fit(log, seed=0)
    assert "s4" in refit.parameters.skills
    assert "s4" not in earlier.parameters.skills
    assert np.isfinite(refit.predict(log)).all()


@pytest.mark.parametrize(
    ("edge", "said"),
    [(("s0", "nope"), "nope"), (("ghost", "s1"), "ghost"), (("s0", "s0"), "itself")],
)
def test_an_authored_edge_between_unknown_skills_is_refused(
    log: ResponseArrays, edge: tuple[str, str], said: str
) -> None:
    tracer = PSIKTTracer("psi_kt", config=replace(SMALL, authored=(edge,)))
    with pytest.raises(ConfigError, match=said):
        tracer.fit(log, seed=0)


def test_an_authored_graph_is_the_prior_of_the_edges() -> None:
    log = make_log(5, n_learners=4, n_responses=6)
    config = replace(
        SMALL,
        steps=60,
        learning_rate=0.1,
        embedding=8,
        window=30,
        authored=(("s0", "s1"), ("s2", "s3")),
    )
    edges = PSIKTTracer("psi_kt", config=config).fit(log, seed=0).edges()
    weight = {(edge.parent, edge.child): edge.weight for edge in edges}
    others = [w for pair, w in weight.items() if pair not in config.authored]
    assert min(weight[pair] for pair in config.authored) > max(others) + 0.1
    assert all(edge.lower <= edge.weight <= edge.upper for edge in edges)
    assert [edge.weight for edge in edges] == sorted(weight.values(), reverse=True)


def test_an_index_log_is_refused_unless_steps_are_asked_for_by_name() -> None:
    index = make_log(2, time_unit="index", n_learners=6)
    with pytest.raises(DataError, match="unit_steps"):
        load_tracer("psi_kt").fit(index, seed=0)
    fitted = load_tracer("psi_kt", unit_steps=True, steps=2, epochs=1).fit(index, seed=0)
    assert np.isfinite(fitted.predict(index)).all()


def test_no_responses_are_refused(log: ResponseArrays) -> None:
    with pytest.raises(DataError, match="no responses"):
        load_tracer("psi_kt").fit(log.take(np.zeros(0, dtype=np.int64)), seed=0)


@pytest.mark.parametrize("answers", [[1], [0], [1] * 8])
def test_a_single_learner_and_a_log_of_one_outcome_can_be_fitted(answers: list[int]) -> None:
    n = len(answers)
    data = ResponseArrays.from_columns(
        ["x"] * n, None, [["s"]] * n, answers, 20_000.0 + np.arange(n), time_unit="days"
    )
    fitted = PSIKTTracer("psi_kt", config=replace(SMALL, steps=10)).fit(data, seed=0)
    assert np.isfinite(fitted.predict(data)).all()


def test_evidence_counts_first_answers_after_strong_and_weak_parents(log: ResponseArrays) -> None:
    data = log.merged().data
    skills = data.skills
    found = edge_evidence(data, skills)
    want = {name: np.zeros((5, 5), dtype=int) for name in found}
    starts = data.learner_slices()
    for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        record: dict[int, list[int]] = {}
        for row in range(begin, end):
            low, high = data.skill_indptr[row], data.skill_indptr[row + 1]
            codes = data.skill_index[low:high].tolist()
            right = int(data.correct[row])
            for child in codes:
                if child in record:
                    continue
                for parent, answers in record.items():
                    side = "strong" if np.mean(answers) >= 0.5 else "weak"
                    want["n_learners"][parent, child] += 1
                    want[f"n_{side}"][parent, child] += 1
                    want[f"right_{side}"][parent, child] += right
            for code in codes:
                record.setdefault(code, []).append(right)
    for name, table in want.items():
        np.testing.assert_array_equal(found[name], table)


def test_it_beats_the_learner_s_mean_on_simulated_learners() -> None:
    rng = np.random.default_rng(3)
    simulated = simulate_ou(rng, n_learners=120, n_responses=20, n_skills=6)
    data = simulated.data
    train = data.take(data.learner < 70)
    test = data.take(data.learner >= 70)
    config = replace(
        CONFIGS["psi_kt"], steps=30, learning_rate=0.1, transfer="none", starts_at_target=True
    )
    fitted = PSIKTTracer("psi_kt", config=config).fit(train, seed=0)
    mean = load_tracer("learner_mean").fit(train, seed=0)
    ours, theirs = (score(test.correct, one.predict(test)) for one in (fitted, mean))
    assert ours.log_loss < theirs.log_loss - 0.005
    assert ours.auc > theirs.auc
    oracle = auc(test.correct, simulated.p[np.isin(data.learner, np.arange(70, 120))])
    assert ours.auc < oracle


def test_the_structured_guide_learns_a_model_of_the_same_kind(log: ResponseArrays) -> None:
    config = replace(SMALL, inference="structured", transfer="none", steps=60, learning_rate=0.05)
    fitted = PSIKTTracer("psi_kt_extended", config=config).fit(log, seed=0)
    data = log.merged().data
    share = float(data.correct.mean())
    assert (
        score(data.correct, fitted.predict(data)).log_loss
        < score(data.correct, np.full(data.n_responses, share)).log_loss
    )


def test_the_structured_guide_refuses_transfer(log: ResponseArrays) -> None:
    tracer = PSIKTTracer("psi_kt", config=replace(SMALL, inference="structured"))
    with pytest.raises(ConfigError, match="transfer"):
        tracer.fit(log, seed=0)


def test_chains_draw_what_their_density_says(log: ResponseArrays) -> None:
    entries = entries_of(pack(log.merged().data, unit_steps=False))
    m = len(entries.response)
    carry = torch.where(entries.is_new, 0.0, 0.9)
    paths = Paths(entries, mean=torch.zeros(m), carry=carry, scale=torch.full((m,), 0.5))
    torch.manual_seed(0)
    draws = torch.stack([paths.draw() for _ in range(200)])
    errors = draws - carry * torch.cat([draws, torch.zeros(200, 1)], 1)[:, entries.previous]
    assert float(errors.std()) == pytest.approx(0.5, abs=0.01)
    normal = -0.5 * (errors[0] / 0.5) ** 2 - np.log(0.5) - 0.5 * np.log(2 * np.pi)
    assert float(paths.log_density(draws[0])) == pytest.approx(float(normal.sum()), rel=1e-4)
