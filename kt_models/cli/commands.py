"""fit, predict, simulate and inspect."""

import argparse
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.artifacts import read_artifact
from kt_models.cli.console import note, progress_bars, show_table
from kt_models.cli.reading import read_with
from kt_models.datasets.log import SECONDS_PER_DAY, Log
from kt_models.errors import ConfigError
from kt_models.evaluate.protocols import item_ids
from kt_models.registry import load_tracer
from kt_models.split import positions


def run_fit(arguments: argparse.Namespace) -> None:
    """Fit a model on all of a log and save it."""
    tracer = load_tracer(arguments.model)
    data = read_with(arguments, arguments.data).data
    with progress_bars() as announce:
        fitted = tracer.fit(data, seed=arguments.seed, progress=announce(arguments.model))
    fitted.save(arguments.out)
    note(
        f"{arguments.model}: fitted on {data.n_responses:,} responses of {data.n_learners:,} "
        f"learners; saved in {arguments.out}"
    )


def run_predict(arguments: argparse.Namespace) -> None:
    """Fit on one log, then write learner, position and p for each row of another, in order."""
    tracer = load_tracer(arguments.model)
    train = read_with(arguments, arguments.train)
    test = read_with(arguments, arguments.test)
    with progress_bars() as announce:
        fitted = tracer.fit(train.data, seed=arguments.seed, progress=announce(arguments.model))
    history, is_test = _with_history(train.data, test.data)
    p = np.append(fitted.predict(history)[is_test], np.nan)[test.row_response]
    if np.isnan(p).any():
        row = int(np.argmax(np.isnan(p)))
        raise ConfigError(
            f"row {row} of {arguments.test} has no skill and --blank-skill is drop; choose unknown"
        )
    position = _row_positions(test)
    with _text_file(arguments.out) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("learner", "position", "p"))
        for learner, at, value in zip(
            test.row_learners[test.row_learner].tolist(), position.tolist(), p.tolist(), strict=True
        ):
            writer.writerow((learner, at, f"{value:.9f}"))
    note(f"{len(p):,} predictions written to {arguments.out}")


def run_simulate(arguments: argparse.Namespace) -> None:
    """Write a simulated log as the normalised CSV."""
    from kt_models import synthetic

    simulators: dict[str, Callable[..., synthetic.Simulated[Any]]] = {
        "bkt": synthetic.simulate_bkt,
        "ou": synthetic.simulate_ou,
        "practice": synthetic.simulate_practice,
    }
    data = simulators[arguments.kind](
        np.random.default_rng(arguments.seed),
        n_learners=arguments.learners,
        n_responses=arguments.responses,
        n_skills=arguments.skills,
    ).data
    with _text_file(arguments.out) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("learner", "timestamp", "item", "skill", "correct"))
        writer.writerows(_normalised_rows(data))
    note(f"{data.n_responses:,} responses written to {arguments.out}")


def run_inspect(arguments: argparse.Namespace) -> None:
    """Print what a log or a saved model holds."""
    if arguments.path.is_dir():
        manifest = read_artifact(arguments.path).manifest
        config = json.dumps(manifest.config, sort_keys=True)
        fields = [
            ("model", manifest.name),
            ("model version", str(manifest.model_version)),
            ("written by", manifest.code_version),
            ("created", manifest.created_at or "not recorded"),
            *((name, f"sha256 {digest[:16]}") for name, digest in manifest.files.items()),
            ("config", config if len(config) <= 400 else config[:400] + " ..."),
        ]
        show_table(str(arguments.path), ("field", "value"), fields)
        return
    log = read_with(arguments, arguments.path)
    data = log.data
    lengths = np.diff(data.learner_slices())
    lengths = lengths[lengths > 0]
    per_response = np.diff(data.skill_indptr)
    fields = [
        ("rows", f"{len(log.row_response):,}"),
        ("responses", f"{data.n_responses:,}"),
        ("learners", f"{data.n_learners:,}"),
        ("items", f"{len(data.items):,}" if len(data.items) else "none"),
        ("skills", f"{data.n_skills:,}"),
        ("correct", f"{data.correct.mean():.4f}"),
        ("responses a learner", f"{np.median(lengths):.0f} median, {lengths.max():,} at most"),
        ("skills a response", f"{per_response.mean():.3f} mean, {per_response.max()} at most"),
        ("time", f"{data.time_unit}, {_span(data)}"),
    ]
    show_table(log.name, ("", "value"), fields)


def _with_history(
    train: ResponseArrays, test: ResponseArrays
) -> tuple[ResponseArrays, NDArray[np.bool_]]:
    """Put the training responses of test learners before their test ones, where they are earlier.

    A learner of both files whose test rows do not all come later than the training rows is taken
    for another learner of the same name: files of index times begin each learner at 0.
    Returns the data, in the order of the test learners, and a mask of the test rows in it.
    """
    alone = np.ones(test.n_responses, dtype=np.bool_)
    shared = np.intersect1d(train.learners, test.learners)
    if not len(shared) or train.time_unit != test.time_unit:
        return test, alone
    last = _time_by_learner(train, at_end=True)
    first = _time_by_learner(test, at_end=False)
    goes_on = [one for one in shared.tolist() if last[one] < first[one]]
    if len(goes_on) < len(shared):
        note(
            f"{len(shared) - len(goes_on):,} learners are in both files at overlapping times; "
            "their test rows are taken for other learners'"
        )
    if not goes_on:
        return test, alone
    earlier = train.take(np.isin(train.learners, goes_on)[train.learner])
    indptr = np.concatenate([test.skill_indptr, earlier.skill_indptr[1:] + test.skill_indptr[-1]])
    parts = (test, earlier)
    ids = np.concatenate([part.learners[part.learner] for part in parts])
    times = np.concatenate([part.time for part in parts])
    whole = ResponseArrays.from_columns(
        ids,
        np.concatenate([item_ids(part) for part in parts]),
        (indptr, np.concatenate([part.skills[part.skill_index] for part in parts])),
        np.concatenate([part.correct for part in parts]),
        times,
        time_unit=test.time_unit,
        sort=True,
    )
    begin = np.array([first[one] for one in whole.learners.tolist()])
    return whole, whole.time >= begin[whole.learner]


def _time_by_learner(data: ResponseArrays, *, at_end: bool) -> dict[str, float]:
    slices = data.learner_slices()
    rows = slices[1:] - 1 if at_end else slices[:-1]
    has_rows = np.diff(slices) > 0
    return dict(
        zip(data.learners[has_rows].tolist(), data.time[rows[has_rows]].tolist(), strict=True)
    )


def _row_positions(log: Log) -> NDArray[np.int64]:
    """Return (rows,) how many rows of the same learner precede each row of the file."""
    order = np.argsort(log.row_learner, kind="stable")
    ordered = log.row_learner[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    lengths = np.diff(np.append(starts, len(ordered)))
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    return position


def _normalised_rows(data: ResponseArrays) -> Iterable[tuple[str, str, str, str, int]]:
    scale = SECONDS_PER_DAY if data.time_unit == "days" else 1.0
    items = item_ids(data)
    at = positions(data) if data.time_unit == "index" else data.time * scale
    for row in range(data.n_responses):
        for skill in data.skills_of(row):
            yield (
                str(data.learners[data.learner[row]]),
                f"{at[row]:.3f}" if data.time_unit != "index" else str(int(at[row])),
                str(items[row]),
                skill,
                int(data.correct[row]),
            )


def _span(data: ResponseArrays) -> str:
    first, last = float(data.time.min()), float(data.time.max())
    if data.time_unit != "days":
        return f"{first:g} to {last:g}"
    begin, end = (datetime.fromtimestamp(one * SECONDS_PER_DAY, tz=UTC) for one in (first, last))
    return f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}"


@contextmanager
def _text_file(path: Path) -> Iterator[IO[str]]:
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "wb") as raw, io.TextIOWrapper(raw, encoding="utf-8") as file:
                yield file
        else:
            with path.open("w", encoding="utf-8") as file:
                yield file
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error
