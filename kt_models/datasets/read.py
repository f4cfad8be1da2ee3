"""Read a response log of any known format: `read_log` is the door to this package."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, TypeAlias

from kt_models.arrays import TimeUnit
from kt_models.datasets.faults import Faults, ids_check
from kt_models.datasets.log import BlankSkill, Log, LogBuilder
from kt_models.datasets.tables import (
    NORMALISED,
    TABLE_FORMATS,
    Columns,
    RowParser,
    TableFormat,
)
from kt_models.errors import DataError

TimeUnitChoice: TypeAlias = Literal["auto", "index", "seconds", "days"]
Tell: TypeAlias = Callable[[float], None]

THREE_LINE = "three_line"
FORMATS: tuple[str, ...] = (*(known.name for known in TABLE_FORMATS), THREE_LINE)

# Order indexes of one learner stay far below this; epoch seconds passed it in 1973.
_EPOCH_SECONDS_FROM = 1e8
# What is no header: a line that could fill the memory.
_HEADER_MOST = 64 * 1024
_LOOK_ROWS = 4096


def _untold(share: float) -> None:
    del share


def read_log(
    path: Path,
    *,
    name: str | None = None,
    log_format: str = "auto",
    time_unit: TimeUnitChoice = "auto",
    blank_skill: BlankSkill = "refuse",
    merge: bool = True,
    sort: bool = False,
    keep_scaffolds: bool = False,
    kc_column: str | None = None,
    faults_most: int = 1,
    bytes_most: int | None = None,
    tell: Tell = _untold,
) -> Log:
    """Read a log, gzipped or not, streaming: `auto` tells the format by the header.

    time_unit matters to the normalised CSV only, whose timestamps are order indexes, epoch
    seconds, epoch days or dates; `auto` takes them for epoch seconds when the first one is 10^8 or
    more and for indexes otherwise. Seconds come out as days. merge=False keeps every row as a
    response of its own, with running indexes for times. Raw exports are always sorted; sort does it
    for the normalised CSV, whose rows are otherwise refused when out of order.

    name is what messages call the file. bytes_most bounds the text, unpacked. tell hears from time
    to time which share of the file was read.

    Raises: RowsError with up to faults_most rows that cannot be read, each by its number (from 0,
    after the header), line and value; DataError for all that is no matter of a row.
    """
    name = name or str(path)
    if not path.is_file():
        raise DataError(f"{name} is not a file; expected a response log")
    if log_format not in ("auto", *FORMATS):
        raise DataError(f"format is '{log_format}', expected auto or one of {', '.join(FORMATS)}")
    with _open(path, "utf-8-sig", name) as opened:
        first_line = opened.text.readline(_HEADER_MOST)
    if not first_line.strip():
        raise DataError(f"{name}: the first line is empty; expected a header or a length")
    builder = LogBuilder(_stem(name), blank_skill=blank_skill)
    if log_format == THREE_LINE or (log_format == "auto" and first_line.strip().isdigit()):
        _read_three_line(path, builder)
        return builder.build(time_unit="index", merge=merge, sort=False)
    table = _detect(name, first_line, log_format)
    faults = Faults(builder.name, most=faults_most)
    with _open(path, table.encoding, name) as opened:
        lines = csv.reader(opened.text, delimiter=table.delimiter)
        columns = _columns(next(lines), table, name)
        reading = _Reading(opened, builder=builder, faults=faults, bytes_most=bytes_most, tell=tell)
        parse = table.parser(columns, kc_column)
        first_at = reading.rows(
            lines, parse, n_columns=len(columns.header), keep_scaffolds=keep_scaffolds
        )
    faults.check()
    unit = table.time_unit or _time_unit(time_unit, first_at)
    return builder.build(time_unit=unit, merge=merge, sort=sort or not table.is_sorted)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file as text; `raw` says how far it is read, `binary` how much that was unpacked."""

    text: IO[str]
    raw: IO[bytes]
    binary: IO[bytes]
    size: int


@dataclass(frozen=True, slots=True)
class _Reading:
    """Feeds a builder with the rows of a file."""

    opened: _Opened
    builder: LogBuilder
    faults: Faults
    bytes_most: int | None
    tell: Tell

    def rows(
        self,
        lines: Iterator[Sequence[str]],
        parse: RowParser,
        *,
        n_columns: int,
        keep_scaffolds: bool,
    ) -> float:
        """Read every row; return the first one's time."""
        first_at = 0.0
        left_out = {"later", "unscored", "erased"} | (set() if keep_scaffolds else {"scaffold"})
        for number, values in enumerate(self._lines(lines)):
            if number % _LOOK_ROWS == 0:
                self._look()
            if not values:
                continue
            try:
                row = parse(values)
                if row.kind not in left_out:
                    ids_check(row)
            except (ValueError, IndexError, OverflowError) as error:
                self.faults.add(number, _line_of(lines), values, error, n_columns=n_columns)
                continue
            if row.kind in left_out:
                self.builder.left_out[row.kind] += 1
                continue
            self.builder.n_partial += row.kind == "partial"
            if not self.builder.n_rows:
                first_at = row.at
            try:
                self.builder.add(row.learner, row.at, row.item, row.skills, row.is_correct)
            except DataError as error:
                self.faults.add(number, _line_of(lines), values, error, n_columns=n_columns)
        self.tell(1.0)
        return first_at

    def _lines(self, lines: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
        try:
            yield from lines
        except csv.Error as error:
            # Mostly a quote that is never closed: the rest of the file would be one cell.
            raise DataError(
                f"{self.builder.name}: line {_line_of(lines)} cannot be read as a table: {error}; "
                f"expected cells of at most {csv.field_size_limit():,} characters, quotes closed"
            ) from error

    def _look(self) -> None:
        if self.bytes_most is not None and self.binary_at() > self.bytes_most:
            raise DataError(
                f"{self.builder.name}: it unpacks to more than {self.bytes_most:,} bytes, which is "
                f"more than is read at once; split it"
            )
        self.tell(min(1.0, self.opened.raw.tell() / max(1, self.opened.size)))

    def binary_at(self) -> int:
        """Return how many bytes were unpacked."""
        return self.opened.binary.tell()


def _line_of(lines: object) -> int:
    return int(getattr(lines, "line_num", 0))


def _read_three_line(path: Path, builder: LogBuilder) -> None:
    """Read three lines a learner: length, concept ids, responses; learners are numbered from 0."""
    with _open(path, "utf-8-sig", str(path)) as opened:
        lines = [line.strip().rstrip(",") for line in opened.text]
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


def _detect(name: str, first_line: str, log_format: str) -> TableFormat:
    for table in TABLE_FORMATS:
        if log_format == table.name:
            return table
        header = set(next(csv.reader([first_line], delimiter=table.delimiter)))
        if log_format == "auto" and header.issuperset(table.required):
            return table
    raise DataError(
        f"{name}: no known format has the header {first_line.strip()[:200]!r}; the normalised CSV "
        f"has {','.join(NORMALISED.required)}; formats: {', '.join(FORMATS)}"
    )


def _columns(header: Sequence[str], table: TableFormat, name: str) -> Columns:
    columns = Columns(header)
    missing = [wanted for wanted in table.required if wanted not in columns]
    if missing:
        raise DataError(
            f"{name}: format {table.name} needs the columns {', '.join(table.required)}; missing "
            f"{', '.join(missing)}; the header is {', '.join(header)[:200]}"
        )
    return columns


def _time_unit(choice: TimeUnitChoice, first_at: float) -> TimeUnit:
    if choice == "auto":
        return "seconds" if first_at >= _EPOCH_SECONDS_FROM else "index"
    if choice not in ("index", "seconds", "days"):
        raise DataError(f"time_unit is '{choice}', expected auto, index, seconds or days")
    return choice


def _stem(name: str) -> str:
    return Path(name).name.removesuffix(".gz").rsplit(".", 1)[0]


@contextmanager
def _open(path: Path, encoding: str, name: str) -> Iterator[_Opened]:
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        binary: IO[bytes] = gzip.GzipFile(fileobj=raw) if is_gzip else raw  # type: ignore[assignment]
        with io.TextIOWrapper(binary, encoding=encoding, newline="") as text:
            try:
                yield _Opened(text, raw=raw, binary=binary, size=path.stat().st_size)
            except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise DataError(f"{name}: cannot be read as {encoding} text: {error}") from error
