"""Training: the same seed, a killed fit, the chosen epoch; and what is served from a state."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kt_models.arrays import ResponseArrays
from kt_models.cakt import model
from kt_models.cakt.batches import prepare
from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.fit import entry_logits, fit_network
from kt_models.cakt.model import CAKTTracer, Candidate, FittedCAKT
from kt_models.errors import ArtifactError, ConfigError, DataError, StateError
from kt_models.evaluate.metrics import auc
from kt_models.evaluate.slices import fuse_mean
from kt_models.protocol import Observation
from kt_models.registry import load_tracer
from kt_models.split import holdout_learners
from kt_models.synthetic import simulate_bkt
from tests.kt_models.conformance import make_log

TINY = CAKTConfig(
    frames=3, side=3, channels=(2, 1), batch_sequences=8, max_epochs=3, learning_rate=0.01,
    device="cpu",
)  # fmt: skip


class KilledError(Exception):
    """Stands for a worker that dies."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def log() -> ResponseArrays:
    return make_log(0)


@pytest.fixture(scope="module")
def fitted(log: ResponseArrays) -> FittedCAKT:
    return CAKTTracer("cakt", config=replace(TINY, max_epochs=1)).fit(log, seed=0)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(log: ResponseArrays) -> None:
    tracer = CAKTTracer("cakt", config=replace(TINY, max_epochs=1))
    runs = [tracer.fit(log, seed=seed).predict(log) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 1e-4


def test_a_killed_training_ends_as_if_it_had_never_stopped(
    log: ResponseArrays, tmp_path: Path
) -> None:
    def dies(share: float, message: str) -> None:
        if share > 0.6:
            raise KilledError

    tracer = CAKTTracer("cakt", config=TINY)
    with pytest.raises(KilledError):
        tracer.fit(log, seed=1, progress=dies, checkpoint=tmp_path)
    told: list[float] = []
    resumed = tracer.fit(
        log, seed=1, progress=lambda share, _: told.append(share), checkpoint=tmp_path
    )
    assert told == pytest.approx([2 / 3, 1.0])
    np.testing.assert_array_equal(resumed.predict(log), tracer.fit(log, seed=1).predict(log))


def test_a_fit_leaves_torch_s_own_random_state_alone(log: ResponseArrays) -> None:
    before = torch.get_rng_state()
    CAKTTracer("cakt", config=replace(TINY, max_epochs=1)).fit(log, seed=0)
    assert torch.equal(before, torch.get_rng_state())


def test_the_epoch_with_the_best_validation_auc_is_kept() -> None:
    data = make_log(0, n_learners=40).merged().data
    parts = holdout_learners(data, share=0.25, rng=np.random.default_rng(0))
    train, held_out = data.take_learners(parts.train), data.take_learners(parts.test)
    config = replace(TINY, max_epochs=8, patience=8, learning_rate=0.05, calibrates=False)
    fit = fit_network(train, config=config, seed=0, validation=held_out)
    prepared = prepare(held_out, fit.skills, config=config, fold=None)
    logits = entry_logits(fit.network, prepared)
    p = fuse_mean(1 / (1 + np.exp(-logits)), prepared.tokens.indptr)
    assert 1 - auc(held_out.correct, p) == pytest.approx(min(fit.validation_misses), abs=1e-9)
    assert min(fit.validation_misses) < fit.validation_misses[-1]


def test_training_stops_when_validation_has_not_improved_for_patience_epochs(
    log: ResponseArrays,
) -> None:
    config = replace(TINY, max_epochs=40, patience=2, learning_rate=0.05)
    misses = fit_network(log.merged().data, config=config, seed=0).validation_misses
    assert len(misses) < 40
    assert int(np.argmin(misses)) == len(misses) - 3


def test_scores_of_candidates_are_those_of_predicting_each_alone(fitted: FittedCAKT) -> None:
    state = fitted.init_state()
    for number in range(12):
        told = Observation((f"s{number % 3}",), f"i0-{number % 4}", number % 2 == 0, 1.0 + number)
        state = fitted.update(state, told)
    asked = [("s0",), ("s1", "s2"), ("never seen",), ("s4",), ("s0",), ("s3", "never seen")]
    candidates = [Candidate(skills, "i0-1") for skills in asked]
    scores = fitted.score_all(state, candidates, at=20.0)
    alone = [fitted.predict_next(state, skills, item="i0-1", at=20.0) for skills in asked]
    np.testing.assert_allclose(scores, alone, atol=3e-6)
    assert scores[0] == scores[4]
    assert len(np.unique(np.round(scores, 6))) == 5


def test_a_candidate_without_skills_is_refused(fitted: FittedCAKT) -> None:
    with pytest.raises(DataError, match="candidate 1"):
        fitted.score_all(fitted.init_state(), [Candidate(("s0",)), Candidate(())], at=1.0)


def test_a_state_stays_small(fitted: FittedCAKT) -> None:
    state = fitted.init_state()
    for number in range(400):
        state = fitted.update(state, Observation((f"s{number % 5}",), None, True, float(number)))
    assert len(fitted.dump_state(state)) < 16 * fitted.config.width + 800


@pytest.mark.parametrize(
    "bad",
    [{"frames": 0}, {"channels": (4, 2)}, {"learning_rate": 0.0}, {"window": "all"},
     {"predict_fold": 0}, {"weight_decay": -1.0}, {"validation_share": 1.0},
     {"learning_rate": float("inf")}, {"weight_decay": float("nan")}, {"frames": 2.5},
     {"channels": 5}, {"precision": "bfloat16", "convolves": False}],
    ids=str,
)  # fmt: skip
def test_settings_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        CAKTConfig(**bad)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_asking_for_a_gpu_where_there_is_none_is_refused(log: ResponseArrays) -> None:
    with pytest.raises(ConfigError, match="no GPU"):
        CAKTTracer("cakt", config=replace(TINY, device="cuda")).fit(log, seed=0)


def test_one_learner_is_too_few_to_choose_an_epoch() -> None:
    with pytest.raises(DataError, match="two training learners"):
        CAKTTracer("cakt", config=TINY).fit(make_log(0, n_learners=1), seed=0)


def test_a_state_of_another_width_is_refused(fitted: FittedCAKT, log: ResponseArrays) -> None:
    wide = CAKTTracer("cakt", config=replace(TINY, side=4, max_epochs=1)).fit(log, seed=0)
    with pytest.raises(StateError, match="width 16"):
        fitted.load_state(wide.dump_state(wide.init_state()))


def test_an_artifact_of_another_model_is_refused(log: ResponseArrays, tmp_path: Path) -> None:
    load_tracer("pfa").fit(log, seed=0).save(tmp_path / "pfa")
    with pytest.raises(ArtifactError, match="not a CAKT"):
        FittedCAKT.load(tmp_path / "pfa")


def test_an_artifact_with_settings_of_another_version_is_refused(
    fitted: FittedCAKT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted.save(tmp_path / "one")
    monkeypatch.setattr(model, "CAKTConfig", lambda **_: CAKTConfig(side=5))
    with pytest.raises(ArtifactError, match="this version"):
        FittedCAKT.load(tmp_path / "one")


def test_a_state_with_an_unknown_skill_is_refused(fitted: FittedCAKT) -> None:
    state = fitted.update(fitted.init_state(), Observation(("s0",), None, True, 1.0))
    other = replace(state, frames={"never seen": state.frames["s0"]})
    with pytest.raises(StateError, match="never seen"):
        fitted.load_state(fitted.dump_state(other))


def test_validation_data_without_responses_is_refused(log: ResponseArrays) -> None:
    with pytest.raises(DataError, match="validation data has no responses"):
        CAKTTracer("cakt", config=TINY).fit(log, seed=0, validation=log.take(np.array([], int)))


def test_a_fit_in_bfloat16_comes_near_the_one_in_single_precision() -> None:
    data = simulate_bkt(np.random.default_rng(1), n_learners=60, n_responses=20, n_skills=3).data
    exact, rough = (
        CAKTTracer("cakt", config=replace(TINY, precision=precision, calibrates=False))
        .fit(data, seed=0).predict(data)
        for precision in ("float32", "bfloat16")
    )  # fmt: skip
    assert 0.0 < np.abs(exact - rough).mean() < 0.02


@pytest.mark.slow
def test_it_learns_to_trace_simulated_learners() -> None:
    data = simulate_bkt(np.random.default_rng(2), n_learners=400, n_responses=40, n_skills=4).data
    parts = holdout_learners(data, share=0.25, rng=np.random.default_rng(0))
    train, test = data.take_learners(parts.train), data.take_learners(parts.test)
    config = CAKTConfig(frames=4, side=5, channels=(4, 1), batch_sequences=20, max_epochs=15)
    fitted = load_tracer("cakt", **{key: getattr(config, key) for key in
                                    ("frames", "side", "channels", "batch_sequences",
                                     "max_epochs")}).fit(train, seed=0)  # fmt: skip
    found = auc(test.correct, fitted.predict(test))
    pfa = load_tracer("pfa").fit(train, seed=0)
    assert found > auc(test.correct, pfa.predict(test)) - 0.01
