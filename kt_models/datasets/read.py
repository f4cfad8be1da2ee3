"""Read a response log of any known format: `read_log` is the door to this package."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, TypeAlias

from kt_models.arrays import TimeUnit
from kt_models.datasets.log import BlankSkill, Log, LogBuilder
from kt_models.datasets.tables import NORMALISED, TABLE_FORMATS, RowParser, TableFormat
from kt_models.errors import DataError

TimeUnitChoice: TypeAlias = Literal["auto", "index", "seconds", "days"]

THREE_LINE = "three_line"
FORMATS: tuple[str, ...] = (*(known.name for known in TABLE_FORMATS), THREE_LINE)

# Order indexes of one learner stay far below this; epoch seconds passed it in 1973.
_EPOCH_SECONDS_FROM = 1e8


def read_log(
    path: Path,
    *,
    log_format: str = "auto",
    time_unit: TimeUnitChoice = "auto",
    blank_skill: BlankSkill = "refuse",
    merge: bool = True,
    sort: bool = False,
    keep_scaffolds: bool = False,
    kc_column: str | None = None,
) -> Log:
    """Read a log, gzipped or not, streaming: `auto` tells the format by the header.

    time_unit matters to the normalised CSV only, whose timestamps are order indexes, epoch
    seconds or epoch days; `auto` takes them for epoch seconds when the first one is 10^8 or more
    and for indexes otherwise. Seconds come out as days. merge=False keeps every row as a response
    of its own, with running indexes for times. Raw exports are always sorted; sort does it for
    the normalised CSV, whose rows are otherwise refused when out of order.

    Raises: DataError, naming the row (from 0, after the header) and the value.
    """
    if not path.is_file():
        raise DataError(f"{path} is not a file; expected a response log")
    if log_format not in ("auto", *FORMATS):
        raise DataError(f"format is '{log_format}', expected auto or one of {', '.join(FORMATS)}")
    with _open(path, "utf-8-sig") as text:
        first_line = text.readline()
    if not first_line.strip():
        raise DataError(f"{path}: the first line is empty; expected a header or a length")
    builder = LogBuilder(_stem(path), blank_skill=blank_skill)
    if log_format == THREE_LINE or (log_format == "auto" and first_line.strip().isdigit()):
        _read_three_line(path, builder)
        return builder.build(time_unit="index", merge=merge, sort=False)
    table = _detect(path, first_line, log_format)
    with _open(path, table.encoding) as text:
        lines = csv.reader(text, delimiter=table.delimiter)
        columns = _columns(next(lines), table, path)
        first_at = _read_rows(
            lines, table.parser(columns, kc_column), builder, keep_scaffolds=keep_scaffolds
        )
    unit = table.time_unit or _time_unit(time_unit, first_at)
    return builder.build(time_unit=unit, merge=merge, sort=sort or not table.is_sorted)


def _read_rows(
    lines: Iterator[Sequence[str]],
    parse: RowParser,
    builder: LogBuilder,
    *,
    keep_scaffolds: bool,
) -> float:
    """Feed the builder; return the first row's time."""
    first_at = 0.0
    for number, values in enumerate(lines):
        if not values:
            continue
        try:
            row = parse(values)
        except (ValueError, IndexError) as error:
            raise DataError(f"{builder.name}: row {number} {list(values)[:8]}: {error}") from error
        if row.kind == "scaffold" and not keep_scaffolds:
            builder.n_scaffolds += 1
            continue
        builder.n_partial += row.kind == "partial"
        if not builder.n_rows:
            first_at = row.at
        builder.add(row.learner, row.at, row.item, row.skills, row.is_correct)
    return first_at


def _read_three_line(path: Path, builder: LogBuilder) -> None:
    """Read three lines a learner: length, concept ids, responses; learners are numbered from 0."""
    with _open(path, "utf-8-sig") as text:
        lines = [line.strip().rstrip(",") for line in text]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) % 3:
        raise DataError(f"{path}: {len(lines)} lines; expected three for every learner")
    for number in range(len(lines) // 3):
        length, concepts, answers = lines[3 * number : 3 * number + 3]
        skills, outcomes = concepts.split(","), answers.split(",")
        if not length.isdigit() or not len(skills) == len(outcomes) == int(length):
            raise DataError(
                f"{path}: learner {number} has length '{length}', {len(skills)} concepts and "
                f"{len(outcomes)} responses; expected one number for all three"
            )
        for at, (skill, outcome) in enumerate(zip(skills, outcomes, strict=True)):
            if outcome not in ("0", "1"):
                raise DataError(
                    f"{path}: learner {number}, response {at} is '{outcome}', expected 0 or 1"
                )
            builder.add(str(number), float(at), "", (skill,), outcome == "1")


def _detect(path: Path, first_line: str, log_format: str) -> TableFormat:
    for table in TABLE_FORMATS:
        if log_format == table.name:
            return table
        header = set(next(csv.reader([first_line], delimiter=table.delimiter)))
        if log_format == "auto" and header.issuperset(table.required):
            return table
    raise DataError(
        f"{path}: no known format has the header {first_line.strip()[:200]!r}; the normalised CSV "
        f"has {','.join(NORMALISED.required)}; formats: {', '.join(FORMATS)}"
    )


def _columns(header: Sequence[str], table: TableFormat, path: Path) -> Mapping[str, int]:
    columns = {name: position for position, name in reversed(list(enumerate(header)))}
    missing = [name for name in table.required if name not in columns]
    if missing:
        raise DataError(
            f"{path}: format {table.name} needs the columns {', '.join(table.required)}; missing "
            f"{', '.join(missing)}; the header is {', '.join(header)[:200]}"
        )
    return dict(reversed(columns.items()))


def _time_unit(choice: TimeUnitChoice, first_at: float) -> TimeUnit:
    if choice == "auto":
        return "seconds" if first_at >= _EPOCH_SECONDS_FROM else "index"
    if choice not in ("index", "seconds", "days"):
        raise DataError(f"time_unit is '{choice}', expected auto, index, seconds or days")
    return choice


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]


@contextmanager
def _open(path: Path, encoding: str) -> Iterator[IO[str]]:
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        binary: IO[bytes] = gzip.GzipFile(fileobj=raw) if is_gzip else raw  # type: ignore[assignment]
        with io.TextIOWrapper(binary, encoding=encoding, newline="") as text:
            try:
                yield text
            except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
                raise DataError(f"{path}: cannot be read as {encoding} text: {error}") from error
