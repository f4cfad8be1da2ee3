"""What every model must do, as one suite: subclass TracerConformance and give it a `fitted`.

class TestMyModel(TracerConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log): return MyTracer().fit(log, seed=0)
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, TimeUnit
from kt_models.errors import ArtifactError, DataError, StateError
from kt_models.protocol import AnyFittedTracer, Observation
from kt_models.registry import load_fitted

LATE = 30_000.0


def make_log(
    seed: int,
    *,
    n_learners: int = 24,
    n_responses: int = 30,
    n_skills: int = 5,
    time_unit: TimeUnit = "days",
) -> ResponseArrays:
    """Draw a log with several skills a response, items, ties in time, and learners who improve."""
    rng = np.random.default_rng(seed)
    learner, item, skills, correct, time = [], [], [], [], []
    for number in range(n_learners):
        ability = rng.normal()
        now = 20_000.0 if time_unit == "days" else 0.0
        for step in range(int(rng.integers(2, n_responses))):
            # A third of the responses share the moment of the one before.
            now += float(rng.choice([0.0, 0.01, 3.0])) if time_unit == "days" else 1.0
            chosen = rng.choice(n_skills, size=int(rng.choice([1, 1, 1, 2, 3])), replace=False)
            p = 1 / (1 + np.exp(-(ability - 0.5 + 0.1 * step - 0.3 * chosen.mean())))
            learner.append(f"l{number:02d}")
            skills.append([f"s{code}" for code in chosen])
            item.append(f"i{chosen.min()}-{step % 7}" if rng.random() < 0.9 else "")
            correct.append(int(rng.random() < p))
            time.append(now)
    return ResponseArrays.from_columns(
        learner, item, skills, correct, time, time_unit=time_unit, sort=True
    )


def replay(fitted: AnyFittedTracer, data: ResponseArrays) -> NDArray[np.float64]:
    """Return (n,) predictions made one by one from learner states, before each update."""
    merged = data.merged()
    responses = merged.data
    scale = 86_400.0 if data.time_unit == "seconds" else 1.0
    p = np.empty(responses.n_responses)
    state, learner = fitted.init_state(), -1
    for row in range(responses.n_responses):
        if responses.learner[row] != learner:
            state, learner = fitted.init_state(), int(responses.learner[row])
        skills, item = responses.skills_of(row), responses.item_of(row)
        at = float(responses.time[row]) / scale
        p[row] = fitted.predict_next(state, skills, item=item, at=at)
        is_correct = bool(responses.correct[row])
        state = fitted.update(state, Observation(skills, item, is_correct, at))
    return p[merged.response]


def flip(data: ResponseArrays, rows: Sequence[int]) -> ResponseArrays:
    """Return the data with other answers in some rows."""
    correct = data.correct.copy()
    correct[list(rows)] ^= 1
    return replace(data, correct=correct)


def one_learner(
    *, skill: str, item: str, answers: Sequence[int], time_unit: TimeUnit = "days"
) -> ResponseArrays:
    """Return one learner's answers to one skill, an hour apart."""
    n = len(answers)
    step = 1 / 24 if time_unit == "days" else 1.0
    begin = LATE if time_unit == "days" else 0.0
    times = begin + np.arange(n) * step
    return ResponseArrays.from_columns(
        ["x"] * n, [item] * n, [[skill]] * n, list(answers), times, time_unit=time_unit
    )


def assert_probabilities(p: NDArray[np.float64]) -> None:
    """Check that all are finite and within 0 and 1."""
    assert np.isfinite(p).all()
    assert ((p >= 0) & (p <= 1)).all()


class TracerConformance:
    """The suite. Override `fitted`; override `log`, `tolerance` or `time_unit` where needed."""

    tolerance = 1e-9
    time_unit: TimeUnit = "days"

    @pytest.fixture(scope="class")
    @classmethod
    def log(cls) -> ResponseArrays:
        return make_log(0, time_unit=cls.time_unit)

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> AnyFittedTracer:
        raise NotImplementedError

    def test_online_equals_batch(self, fitted: AnyFittedTracer, log: ResponseArrays) -> None:
        np.testing.assert_allclose(replay(fitted, log), fitted.predict(log), atol=self.tolerance)

    def test_an_answer_never_changes_its_own_or_earlier_predictions(
        self, fitted: AnyFittedTracer, log: ResponseArrays
    ) -> None:
        before = fitted.predict(log)
        slices = log.learner_slices()
        for learner in range(0, len(log.learners), 5):
            begin, end = int(slices[learner]), int(slices[learner + 1])
            row = (begin + end) // 2
            after = fitted.predict(flip(log, [row]))
            np.testing.assert_array_equal(after[begin : row + 1], before[begin : row + 1])

    def test_learners_do_not_touch_each_other(
        self, fitted: AnyFittedTracer, log: ResponseArrays
    ) -> None:
        together = fitted.predict(log)
        for code in (0, 7, len(log.learners) - 1):
            rows = np.flatnonzero(log.learner == code)
            alone = fitted.predict(log.take(rows))
            np.testing.assert_allclose(alone, together[rows], atol=self.tolerance)

    def test_later_responses_and_longer_learners_change_nothing(
        self, fitted: AnyFittedTracer, log: ResponseArrays
    ) -> None:
        """Padding: a learner cut short has the same predictions on what is left."""
        slices = log.learner_slices()
        rows = np.concatenate([np.arange(a, min(a + 4, b)) for a, b in pairwise(slices)])
        short, full = fitted.predict(log.take(rows)), fitted.predict(log)
        np.testing.assert_allclose(short, full[rows], atol=self.tolerance)

    def test_rows_that_are_one_response_share_one_prediction(self, fitted: AnyFittedTracer) -> None:
        begin = 20_000.0 if self.time_unit == "days" else 0.0
        columns: Any = (
            ["x"] * 4, ["i0-0", "i0-1", "i0-1", "i0-2"],
            [["s0"], ["s0"], ["s1"], ["s0"]], [1, 0, 0, 1],
            [begin, begin + 1, begin + 1, begin + 2],
        )  # fmt: skip
        data = ResponseArrays.from_columns(*columns, time_unit=self.time_unit)
        p = fitted.predict(data)
        assert p[1] == p[2]
        flipped = fitted.predict(flip(data, [1, 2]))
        np.testing.assert_array_equal(flipped[:3], p[:3])

    def test_two_runs_give_the_same_numbers(
        self, fitted: AnyFittedTracer, log: ResponseArrays
    ) -> None:
        np.testing.assert_array_equal(fitted.predict(log), fitted.predict(log))

    def test_save_and_load_keep_every_bit(
        self, fitted: AnyFittedTracer, log: ResponseArrays, tmp_path: Path
    ) -> None:
        fitted.save(tmp_path / "first")
        loaded = load_fitted(tmp_path / "first")
        assert loaded.name == fitted.name
        np.testing.assert_array_equal(loaded.predict(log), fitted.predict(log))
        loaded.save(tmp_path / "second")
        for path in sorted((tmp_path / "first").iterdir()):
            assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()

    def test_a_saved_model_that_was_changed_is_refused(
        self, fitted: AnyFittedTracer, tmp_path: Path
    ) -> None:
        fitted.save(tmp_path / "model")
        victim = next(p for p in (tmp_path / "model").iterdir() if p.name != "manifest.json")
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(bytes(content))
        with pytest.raises(ArtifactError, match=victim.name):
            load_fitted(tmp_path / "model")

    def test_a_dumped_state_forecasts_and_goes_on_the_same(
        self, fitted: AnyFittedTracer, log: ResponseArrays
    ) -> None:
        state = self._state_of(fitted, log, 3)
        loaded = fitted.load_state(fitted.dump_state(state))
        at = float(log.time.max()) + 9.0
        skills = ["s0", "s1", "s2", "s3", "s4"]
        assert fitted.dump_state(loaded) == fitted.dump_state(state)
        self._assert_same(fitted, state, loaded, skills, at=at)
        told = Observation(("s1", "s3"), "i1-1", False, at)
        self._assert_same(
            fitted, fitted.update(state, told), fitted.update(loaded, told), skills, at=at + 1
        )

    @pytest.mark.parametrize("damage", ["empty", "cut", "foreign"])
    def test_a_damaged_state_is_refused(
        self, fitted: AnyFittedTracer, log: ResponseArrays, damage: str
    ) -> None:
        blob = fitted.dump_state(self._state_of(fitted, log, 3))
        bad = {"empty": b"", "cut": blob[: len(blob) // 2], "foreign": b"\x80\x04K\x01." * 8}
        with pytest.raises(StateError):
            fitted.load_state(bad[damage])

    def test_update_leaves_the_state_it_was_given_alone(
        self, fitted: AnyFittedTracer, log: ResponseArrays
    ) -> None:
        state = self._state_of(fitted, log, 2)
        before = fitted.dump_state(state)
        at = float(log.time.max())
        fitted.update(state, Observation(("s0",), "i0-0", True, at))
        assert fitted.dump_state(state) == before

    def test_an_unseen_learner_skill_and_item_are_served(self, fitted: AnyFittedTracer) -> None:
        data = one_learner(
            skill="never seen", item="nor this", answers=[1, 0, 1], time_unit=self.time_unit
        )
        p = fitted.predict(data)
        assert_probabilities(p)
        np.testing.assert_allclose(replay(fitted, data), p, atol=self.tolerance)
        beliefs = fitted.forecast(fitted.init_state(), ["never seen", "s0"], at=LATE)
        assert_probabilities(beliefs.p_correct)
        assert beliefs.n_observations.tolist() == [0, 0]
        assert np.isnan(beliefs.last_at).all()

    @pytest.mark.parametrize("answers", [[1], [0], [1] * 60, [0] * 60, [1] * 60 + [0] * 30])
    def test_extreme_histories_stay_probabilities(
        self, fitted: AnyFittedTracer, answers: list[int]
    ) -> None:
        data = one_learner(skill="s0", item="i0-0", answers=answers, time_unit=self.time_unit)
        p = fitted.predict(data)
        assert p.shape == (len(answers),)
        assert_probabilities(p)
        np.testing.assert_allclose(replay(fitted, data), p, atol=self.tolerance)

    def test_no_responses_give_no_predictions(
        self, fitted: AnyFittedTracer, log: ResponseArrays
    ) -> None:
        assert fitted.predict(log.take(np.zeros(0, dtype=np.int64))).shape == (0,)

    def test_responses_at_one_moment_are_taken_in_their_order(
        self, fitted: AnyFittedTracer
    ) -> None:
        at = LATE
        state = fitted.init_state()
        for answer in (True, False, True):
            state = fitted.update(state, Observation(("s0",), None, answer, at))
        assert fitted.forecast(state, ["s0"], at=at).n_observations.tolist() == [3]

    def test_time_going_backwards_is_refused(self, fitted: AnyFittedTracer) -> None:
        state = fitted.update(fitted.init_state(), Observation(("s0",), None, True, LATE))
        with pytest.raises(DataError, match="earlier"):
            fitted.update(state, Observation(("s1",), None, True, LATE - 0.5))

    @pytest.mark.parametrize("at", [float("nan"), float("inf")])
    def test_a_time_that_is_no_number_is_refused(self, fitted: AnyFittedTracer, at: float) -> None:
        with pytest.raises(DataError):
            fitted.update(fitted.init_state(), Observation(("s0",), None, True, at))

    @pytest.mark.parametrize("skills", [(), ("s0", "s0")])
    def test_no_skill_or_the_same_twice_is_refused(
        self, fitted: AnyFittedTracer, skills: tuple[str, ...]
    ) -> None:
        with pytest.raises(DataError):
            fitted.update(fitted.init_state(), Observation(skills, None, True, LATE))

    def test_beliefs_lie_within_their_interval(
        self, fitted: AnyFittedTracer, log: ResponseArrays
    ) -> None:
        state = self._state_of(fitted, log, 1)
        for at in (float(log.time.max()), float(log.time.max()) + 60.0):
            beliefs = fitted.forecast(state, ["s0", "s1", "s4", "other"], at=at)
            for values in (beliefs.p_correct, beliefs.p_mastery, beliefs.lower, beliefs.upper):
                assert_probabilities(values)
            assert (beliefs.lower <= beliefs.p_correct).all()
            assert (beliefs.p_correct <= beliefs.upper).all()

    def test_many_forecasts_equal_single_ones(
        self, fitted: AnyFittedTracer, log: ResponseArrays
    ) -> None:
        states = [fitted.init_state(), *(self._state_of(fitted, log, code) for code in range(4))]
        skills = ["s0", "s2", "other"]
        at = float(log.time.max()) + 2.0
        many = fitted.forecast_many(states, skills, at=at)
        assert many.p_correct.shape == (5, 3)
        for number, state in enumerate(states):
            one = fitted.forecast(state, skills, at=at)
            for name in ("p_correct", "p_mastery", "lower", "upper", "n_observations", "last_at"):
                np.testing.assert_allclose(
                    getattr(many, name)[number], getattr(one, name), atol=self.tolerance
                )

    def _state_of(self, fitted: AnyFittedTracer, log: ResponseArrays, learner: int) -> Any:
        state = fitted.init_state()
        for row in np.flatnonzero(log.learner == learner):
            state = fitted.update(
                state,
                Observation(
                    log.skills_of(int(row)),
                    log.item_of(int(row)),
                    bool(log.correct[row]),
                    float(log.time[row]),
                ),
            )
        return state

    def _assert_same(
        self, fitted: AnyFittedTracer, a: Any, b: Any, skills: Sequence[str], *, at: float
    ) -> None:
        one, two = fitted.forecast(a, skills, at=at), fitted.forecast(b, skills, at=at)
        for name in ("p_correct", "p_mastery", "lower", "upper", "n_observations", "last_at"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
