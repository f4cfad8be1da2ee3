"""compare, and evaluate: the same trials for one model, or slices for a saved one."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kt_models.arrays import ResponseArrays
from kt_models.cli.console import note, progress_bars, show_differences, show_rows, show_table
from kt_models.cli.reading import read_with
from kt_models.errors import ConfigError
from kt_models.evaluate.compare import Comparison, Row, compare_models, row_as_json
from kt_models.evaluate.metrics import Scores, score
from kt_models.evaluate.protocols import ProtocolConfig
from kt_models.evaluate.slices import by_history_length, by_position, by_skill
from kt_models.protocol import Tracer
from kt_models.registry import load_fitted, load_tracer

# The published protocol folds histories for networks that read sequences.
PUBLISHED_FOLD = 200


def run_compare(arguments: argparse.Namespace) -> None:
    """Run several models on the same trials; print the rows and paired differences."""
    models = [name.strip() for name in arguments.models.split(",") if name.strip()]
    if not models or len(set(models)) != len(models):
        raise ConfigError(f"--models must name different models; got '{arguments.models}'")
    _compare(arguments, models)


def run_evaluate(arguments: argparse.Namespace) -> None:
    """Score a model by name under a protocol, or a saved one on a log with slices."""
    path = Path(arguments.model)
    if path.is_dir():
        _evaluate_saved(arguments, path)
    else:
        _compare(arguments, [arguments.model])


def _compare(arguments: argparse.Namespace, models: list[str]) -> None:
    for model in models:
        load_tracer(model)  # an unknown name must not cost the time of reading the logs
    protocol = ProtocolConfig(
        name=arguments.protocol,
        folds=arguments.folds,
        cohort=arguments.cohort,
        horizon=arguments.horizon,
        learner_filter=arguments.learner_filter,
    )
    data, test, name = _logs(arguments)

    def make(model: str) -> Tracer:
        if model == "dkt" and protocol.name == "published":
            return load_tracer(model, fold=PUBLISHED_FOLD, predict_fold=PUBLISHED_FOLD)
        return load_tracer(model)

    def on_row(row: Row) -> None:
        note(
            f"{row.model} seed {row.seed} fold {row.fold} horizon {row.horizon}: AUC "
            f"{row.auc:.4f}, log loss {row.log_loss:.4f}, fit {row.fit_seconds:.1f} s"
        )

    with progress_bars() as announce:
        found = compare_models(
            models,
            data,
            test=test,
            data_name=name,
            protocol=protocol,
            seeds=arguments.seeds,
            make_tracer=make,
            announce=announce,
            on_row=on_row,
            max_trials=arguments.max_fits,
        )
    show_rows(found.rows, title=f"{name}, protocol {protocol.name}")
    show_differences(found.differences)
    if arguments.json is not None:
        _write_json(arguments.json, found)
    if arguments.plots is not None:
        from kt_models.cli.plots import write_plots

        write_plots(arguments.plots, found.pooled)


def _logs(arguments: argparse.Namespace) -> tuple[ResponseArrays, ResponseArrays | None, str]:
    """Read --data, or --train and --test; published takes the rows as they were shipped."""
    is_pair = arguments.train is not None and arguments.test is not None
    is_half = (arguments.train is None) != (arguments.test is None)
    if is_half or is_pair == (arguments.data is not None):
        raise ConfigError("give either --data FILE, or --train FILE and --test FILE")
    merge = arguments.protocol != "published"
    first = read_with(arguments, arguments.data or arguments.train, merge=merge)
    if not is_pair:
        return first.data, None, first.name
    second = read_with(arguments, arguments.test, merge=merge)
    return first.data, second.data, second.name


def _write_json(path: Path, found: Comparison) -> None:
    content: dict[str, Any] = {
        "command": " ".join(["python -m kt_models", *sys.argv[1:]]),
        "rows": [row_as_json(row) for row in found.rows],
        "differences": [asdict(difference) for difference in found.differences],
    }
    text = json.dumps(_without_nan(content), indent=1, allow_nan=False)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and value != value else value


def _evaluate_saved(arguments: argparse.Namespace, directory: Path) -> None:
    if arguments.data is None:
        raise ConfigError("a saved model is scored on one log: give --data FILE")
    data = read_with(arguments, arguments.data).data
    fitted = load_fitted(directory)
    p = fitted.predict(data)
    whole = score(data.correct, p)
    parts = [
        ("by answers given before", by_position(data, p)),
        ("by length of history", by_history_length(data, p)),
        ("by skill", by_skill(data, p)),
    ]
    show_table(f"{fitted.name} on {arguments.data.name}", _HEADER, [_cells("all", whole)])
    for title, slices in parts:
        show_table(title, _HEADER, [_cells(part.name, part.scores) for part in slices])
    if arguments.json is not None:
        content = {"model": fitted.name, "data": arguments.data.name, "all": asdict(whole)}
        content |= {
            title: {part.name: asdict(part.scores) for part in slices} for title, slices in parts
        }
        text = json.dumps(_without_nan(content), indent=1, allow_nan=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


_HEADER = ("part", "n", "correct", "AUC", "log loss", "accuracy", "F1", "ECE")


def _cells(name: str, scores: Scores) -> tuple[str, ...]:
    return (
        name,
        f"{scores.n:,}",
        f"{scores.mean_correct:.3f}",
        f"{scores.auc:.4f}",
        f"{scores.log_loss:.4f}",
        f"{scores.accuracy:.4f}",
        f"{scores.f1:.4f}",
        f"{scores.ece:.4f}",
    )
