from dataclasses import fields

import numpy as np
import pytest

from kt_models.evaluate.compare import Comparison, Row, compare_models, row_as_json
from kt_models.evaluate.metrics import score
from kt_models.evaluate.protocols import ProtocolConfig
from kt_models.registry import load_tracer
from tests.kt_models.conformance import make_log

CONTRACT = """model data protocol learner_filter horizon seed fold n_learners n_predictions auc
auc_low auc_high log_loss log_loss_low log_loss_high accuracy f1 ece fit_seconds predict_seconds
peak_mib"""
MODELS = ["majority", "learner_mean", "bkt"]


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare_models(
        MODELS,
        make_log(5, n_learners=40),
        test=None,
        data_name="drawn",
        protocol=ProtocolConfig(name="honest", folds=3),
        seeds=[0, 1],
        make_tracer=load_tracer,
    )


def test_the_fields_of_a_row_are_the_stable_contract() -> None:
    assert [field.name for field in fields(Row)] == CONTRACT.split()


def test_every_model_gets_a_row_for_each_fold_and_seed(found: Comparison) -> None:
    keys = [(row.seed, row.fold, row.model) for row in found.rows]
    assert keys == [(seed, fold, model) for seed in (0, 1) for fold in range(3) for model in MODELS]


def test_models_are_scored_on_the_same_rows(found: Comparison) -> None:
    for start in range(0, len(found.rows), len(MODELS)):
        group = found.rows[start : start + len(MODELS)]
        assert len({(row.n_predictions, row.n_learners) for row in group}) == 1


def test_intervals_hold_their_values(found: Comparison) -> None:
    for row in found.rows:
        assert row.auc_low <= row.auc <= row.auc_high
        assert row.log_loss_low <= row.log_loss <= row.log_loss_high
        assert row.peak_mib > 10


def test_differences_are_against_the_best_on_all_rows(found: Comparison) -> None:
    parts = found.pooled[1]
    correct = np.concatenate(parts.correct)
    aucs = {model: score(correct, np.concatenate(parts.p[model])).auc for model in MODELS}
    best = max(MODELS, key=lambda model: aucs[model])
    assert {one.model for one in found.differences} == set(MODELS) - {best}
    for one in found.differences:
        assert one.against == best
        assert one.difference.auc.value == pytest.approx(aucs[one.model] - aucs[best])


def test_seeds_add_predictions_but_no_learners(found: Comparison) -> None:
    parts = found.pooled[1]
    assert len(np.unique(np.concatenate(parts.learner))) == 40
    assert len(np.concatenate(parts.p["bkt"])) == sum(
        row.n_predictions for row in found.rows if row.model == "bkt"
    )


def test_fewer_fits_can_be_asked_for() -> None:
    part = compare_models(
        ["majority"],
        make_log(5),
        test=None,
        data_name="drawn",
        protocol=ProtocolConfig(name="honest", folds=4),
        seeds=[0],
        make_tracer=load_tracer,
        max_trials=2,
    )
    assert [row.fold for row in part.rows] == [0, 1]


def test_a_metric_that_is_not_defined_is_none_in_json(found: Comparison) -> None:
    row = found.rows[0]
    values = {field.name: getattr(row, field.name) for field in fields(Row)}
    assert row_as_json(Row(**(values | {"auc": float("nan")})))["auc"] is None
    assert row_as_json(row)["auc"] == row.auc
