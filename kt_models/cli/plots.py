"""Plots of a comparison: reliability, ROC and learning curves, one file each a horizon."""

from pathlib import Path
from typing import Any

import numpy as np

from kt_models.cli.console import note
from kt_models.evaluate.compare import Pooled
from kt_models.evaluate.metrics import reliability_curve, roc_curve

MAX_POSITIONS = 50
MIN_RESPONSES = 20


def write_plots(directory: Path, pooled: dict[int, Pooled]) -> None:
    """Write PNG files; folds and seeds are drawn as one."""
    directory.mkdir(parents=True, exist_ok=True)
    for horizon, parts in pooled.items():
        correct = np.concatenate(parts.correct)
        position = np.concatenate(parts.position)
        p = {model: np.concatenate(values) for model, values in parts.p.items()}
        draw_reliability(directory / f"reliability-{horizon}.png", correct, p)
        if 0 < correct.sum() < len(correct):
            _save(directory / f"roc-{horizon}.png", _roc, correct, p)
        _save(directory / f"learning-{horizon}.png", _learning, correct, p, position)
    note(f"plots written to {directory}")


def draw_reliability(path: Path, correct: Any, p: dict[str, Any]) -> None:
    """Draw the share correct by predicted P(correct) of models to a file, outcomes (n,)."""
    _save(path, _reliability, correct, p)


def _save(path: Path, draw: Any, *arguments: Any) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes, *arguments)
    axes.legend()
    figure.savefig(path, dpi=120)


def _reliability(axes: Any, correct: Any, p: dict[str, Any]) -> None:
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for model, values in p.items():
        curve = reliability_curve(correct, values)
        axes.plot(curve.mean_p, curve.mean_correct, marker="o", markersize=3, label=model)
    axes.set(xlabel="predicted P(correct)", ylabel="share correct", xlim=(0, 1), ylim=(0, 1))


def _roc(axes: Any, correct: Any, p: dict[str, Any]) -> None:
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for model, values in p.items():
        curve = roc_curve(correct, values)
        axes.plot(curve.false_positive_rate, curve.true_positive_rate, label=model)
    axes.set(xlabel="false positive rate", ylabel="true positive rate")


def _learning(axes: Any, correct: Any, p: dict[str, Any], position: Any) -> None:
    """Observed and predicted share correct by how many answers the learner gave before."""
    shown = position < MAX_POSITIONS
    counts = np.bincount(position[shown], minlength=MAX_POSITIONS)
    enough = np.flatnonzero(counts >= MIN_RESPONSES)

    def curve(values: Any) -> Any:
        sums = np.bincount(position[shown], weights=values[shown], minlength=MAX_POSITIONS)
        return sums[enough] / counts[enough]

    axes.plot(enough, curve(correct.astype(np.float64)), color="black", label="observed")
    for model, values in p.items():
        axes.plot(enough, curve(values), linewidth=1.0, label=model)
    axes.set(xlabel="answers given before", ylabel="share correct")
