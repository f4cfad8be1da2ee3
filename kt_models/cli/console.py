"""What the terminal shows: tables on stdout, progress and notes on stderr."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from kt_models import protocol
from kt_models.evaluate.compare import Announce, Difference, Row

# Tables of figures are of no use cut short: a narrow terminal or a pipe scrolls instead.
OUT = Console(width=max(Console().width, 160))
ERR = Console(stderr=True)


@contextmanager
def progress_bars() -> Iterator[Announce]:
    """Show one bar for the fit under way; a pipe gets none."""
    bars = Progress(
        TextColumn("{task.fields[title]}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal,
    )
    with bars:
        task = bars.add_task("", total=1.0, title="")

        def announce(title: str) -> protocol.Progress:
            bars.reset(task, total=1.0, title=title, description="")
            return lambda done, text: bars.update(task, completed=done, description=text)

        yield announce


def note(text: str) -> None:
    """Print a plain line to stderr."""
    ERR.print(text, markup=False, highlight=False, soft_wrap=True)


def show_rows(rows: Sequence[Row], *, title: str) -> None:
    """Print one line a row."""
    table = Table(title=title)
    names = ("model", "horizon", "seed", "fold", "n", "AUC", "95 %", "log loss", "95 %")
    for name in (*names, "acc.", "F1", "ECE", "fit s", "predict s", "MiB"):
        table.add_column(name, justify="left" if name == "model" else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.model,
            str(row.horizon),
            str(row.seed),
            str(row.fold),
            f"{row.n_predictions:,}",
            f"{row.auc:.4f}",
            f"{row.auc_low:.4f}-{row.auc_high:.4f}",
            f"{row.log_loss:.4f}",
            f"{row.log_loss_low:.4f}-{row.log_loss_high:.4f}",
            f"{row.accuracy:.4f}",
            f"{row.f1:.4f}",
            f"{row.ece:.4f}",
            f"{row.fit_seconds:.1f}",
            f"{row.predict_seconds:.1f}",
            f"{row.peak_mib:.0f}",
        )
    OUT.print(table)


def show_differences(differences: Sequence[Difference]) -> None:
    """Print paired differences from the model of the best AUC."""
    if not differences:
        return
    table = Table(title="paired differences (95 % intervals over learners)")
    for name in ("model", "against", "horizon", "n", "AUC", "95 %", "p", "log loss", "95 %", "p"):
        table.add_column(name, justify="left" if name in ("model", "against") else "right")
    for one in differences:
        auc, loss = one.difference.auc, one.difference.log_loss
        table.add_row(
            one.model,
            one.against,
            str(one.horizon),
            f"{one.n_predictions:,}",
            f"{auc.value:+.4f}",
            f"{auc.low:+.4f} {auc.high:+.4f}",
            f"{one.difference.auc_p:.3f}",
            f"{loss.value:+.4f}",
            f"{loss.low:+.4f} {loss.high:+.4f}",
            f"{one.difference.log_loss_p:.3f}",
        )
    OUT.print(table)


def show_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a plain table, its first column to the left."""
    table = Table(title=title)
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    OUT.print(table)
