"""The report as a picture: retention with intervals, a panel per simulator."""

from pathlib import Path
from typing import Any

from tutor.common.errors import TutorError

OURS_COLOUR, OTHER_COLOUR, ABLATION_COLOUR = "#0b5c5c", "#59616b", "#a05a00"
SUFFIXES = (".svg", ".png")


class PlotError(TutorError):
    """A picture that cannot be drawn."""

    code = "plot"


def plot_check(path: Path) -> None:
    """Say before a long run whether its picture can be drawn. Raises: PlotError."""
    if path.suffix.lower() not in SUFFIXES:
        raise PlotError(f"{path} ends in '{path.suffix}', expected .svg or .png")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise PlotError(
            "the plot needs matplotlib, which the extra 'fit' brings: pip install 'stepwise[fit]'"
        ) from error


def plot_write(report: dict[str, Any], path: Path, *, title: str) -> None:
    """Draw a report. Raises: PlotError."""
    plot_check(path)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = report["rows"]
    simulators = list(dict.fromkeys(row["simulator"] for row in rows))
    with mpl.rc_context({"svg.hashsalt": "stepwise", "svg.fonttype": "none", "font.size": 9}):
        height = 1.2 + 0.24 * len(rows) / len(simulators)
        figure = Figure(figsize=(4.6 * len(simulators), height), layout="constrained")
        axes = figure.subplots(1, len(simulators), sharey=True, squeeze=False)[0]
        for axis, simulator in zip(axes, simulators, strict=True):
            _panel(axis, [row for row in rows if row["simulator"] == simulator], simulator)
        figure.suptitle(title)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)


def _panel(axis: Any, rows: list[dict[str, Any]], simulator: str) -> None:
    for place, row in enumerate(rows):
        for metric, marker, shift in (("retention_exam", "o", -0.12), ("retention_30d", "s", 0.12)):
            value = row[metric]
            axis.errorbar(
                value["mean"],
                place + shift,
                xerr=[[value["mean"] - value["low"]], [value["high"] - value["mean"]]],
                marker=marker,
                markersize=4,
                color=_colour(row["policy"]),
                mfc=_colour(row["policy"]) if metric == "retention_exam" else "white",
                capsize=2,
                linewidth=1,
            )
    axis.set_yticks(range(len(rows)), [row["policy"] for row in rows])
    if not axis.yaxis_inverted():
        axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.grid(axis="x", alpha=0.3)
    axis.set_title(f"{simulator} learners")
    axis.set_xlabel("retention: filled at the exam, open 30 days after")


def _colour(policy: str) -> str:
    if policy == "stepwise":
        return OURS_COLOUR
    return ABLATION_COLOUR if policy.startswith("stepwise") else OTHER_COLOUR
