"""What becomes of real files of other systems: taken, mended and left out, by count and reason.

    STEPWISE_DATA=... python benchmarks/formats.py

Imports every file of `content/` (OATutor's sample, the graphs, interchange) into a new SQLite
database, each into a course of its own (graphs onto OATutor's), then imports it again, and its
export in every form: all of these must change nothing. Prints Markdown tables.
"""

import io
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHOWN = 4
OATUTOR = "oatutor-elementary-algebra-ch1-2.zip"
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|(?<=\w)'(?=\w))*'|\"[^\"]*\"")
_ITEM = re.compile(r".*?: the (?:bank's )?question.* was left out: (.*)", re.DOTALL)
_SAME = "it says the same as"
TINY = "gift-grammar-peg"


def plain(text: str) -> str:
    """A reason without what differs from one case to the next."""
    return re.sub(r"-?\d[\d.,:]*", "#", _QUOTED.sub("…", text)).strip(" .")[:100]


def shown(reasons: Counter[str]) -> str:
    """The commonest reasons with their counts."""
    told = [f"{count} × {reason}" for reason, count in reasons.most_common(SHOWN)]
    rest = sum(reasons.values()) - sum(count for _, count in reasons.most_common(SHOWN))
    return "; ".join([*told, *([f"{rest} × other"] if rest else [])]).replace("|", "/") or "-"


class Row:
    """A line of the table: one file, or a folder of small ones."""

    def __init__(self) -> None:
        self.n_files = 0
        self.numbers: Counter[str] = Counter()
        self.items: Counter[str] = Counter()
        self.others: Counter[str] = Counter()

    def take(self, notes: Iterable[str]) -> None:
        """Sort notes: questions that were left out, and whatever else is told."""
        for note in notes:
            found = _ITEM.fullmatch(note)
            if found:
                self.items["it says what another says" if _SAME in note else plain(found[1])] += 1
            else:
                self.others[plain(note.partition(": ")[2])] += 1

    def write(self, label: str) -> None:
        """Print the line."""
        name = f"`{label}`" + (f" ({self.n_files} files)" if self.n_files > 1 else "")
        left = sum(self.items.values())
        counts = f"{self.numbers['problems']} / {self.numbers['steps']} / {self.numbers['hints']}"
        print(f"| {name} | {counts} | {left or '-'} | {shown(self.items)} | {shown(self.others)} |")


def main() -> None:
    """Import everything and print the tables."""
    data = Path(os.environ.get("STEPWISE_DATA", ROOT.parent / "shared")) / "content"
    if not data.is_dir():
        raise SystemExit(f"there is no {data}; set STEPWISE_DATA")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{Path(folder) / 'formats.sqlite3'}"
        os.environ["STEPWISE_VAR_DIR"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "tutor.settings"
        sys.path.insert(0, str(ROOT))
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        courses(data)
        graphs(data)


def courses(data: Path) -> None:
    """Files that hold questions."""
    from tutor.common.errors import TutorError
    from tutor.content.formats import content_import, content_read
    from tutor.content.models import Hint, Step

    rows: dict[str, Row] = {}
    refused: list[str] = []
    files = sorted(f for f in (data / "interchange").rglob("*.*") if f.name != "SOURCE.md")
    for file in [data / OATUTOR, *(f for f in files if f.is_file())]:
        name = file.relative_to(data).as_posix().removeprefix("interchange/")
        label = file.parent.relative_to(data / "interchange").as_posix() if TINY in name else name
        row = rows.setdefault(label, Row())
        row.n_files += 1
        try:
            content = content_read(file, name=file.name)
            result = content_import(content, course=None, by=None, now=NOW, is_dry_run=False)
        except TutorError as error:
            message = error.message[:160].replace("|", "/")
            refused.append(f"| `{file.name}` | {message} |")
            row.others["refused whole: see below"] += 1
            continue
        at_rest(content, result.course)
        steps = Step.objects.filter(course=result.course, is_retired=False)
        assert result.course is not None
        row.numbers += Counter(
            problems=result.course.problems.filter(is_retired=False).count(),
            steps=steps.count(),
            hints=Hint.objects.filter(step__in=steps).count(),
        )
        # The first note of a quiz says the same for all of them.
        row.take([*content.notes[content.format in {"qti", "gift", "aiken"} :], *result.notes])
    print(
        "| file | problems / steps / hints | questions left out | why | mended, or left out of a "
        "question or package |\n|---|---|---|---|---|"
    )
    for label, row in rows.items():
        row.write(label)
    print("\n| refused whole | because |\n|---|---|")
    print("\n".join(refused))


def at_rest(content: Any, course: Any) -> None:
    """Import a file again, and its course's export in every form. Raises: SystemExit."""
    from tutor.content.exporting import ExportForm, bundle_write, course_export
    from tutor.content.formats import content_import, content_read

    ways = {"the same file": content}
    for form in ExportForm:
        packed = b"".join(bundle_write(course_export(course), form))
        ways[f"export as {form}"] = content_read(io.BytesIO(packed), name=f"c{form.suffix}")
    for way, again in ways.items():
        result = content_import(again, course=None, by=None, now=NOW, is_dry_run=False)
        if not result.is_no_op:
            raise SystemExit(f"{course.key}: {way} changed something: {result.counts}")


def graphs(data: Path) -> None:
    """Graphs, onto OATutor's course."""
    from tutor.content.errors import ImportRefusedError
    from tutor.content.formats import content_read
    from tutor.content.graphs import graph_import
    from tutor.content.models import Course

    print("\n| graph, onto OATutor's course | outcome |\n|---|---|")
    for file in sorted((data / "graphs").glob("*.json")):
        course = Course.objects.get(title__startswith="OpenStax")
        document = content_read(file, name=file.name).document
        options: dict[str, Any] = {"course": course, "by": None, "now": NOW, "is_dry_run": False}
        try:
            result = graph_import(document, **options)
        except ImportRefusedError as error:
            outcome = f"refused: {len(error.errors)} circles, such as {error.errors[0].value}"
        else:
            outcome = result.notes[0]
            course.refresh_from_db()
            if not graph_import(document, **options).is_no_op:
                raise SystemExit(f"{file.name}: the same graph again changed something")
        print(f"| `{file.name}` | {outcome} |")


if __name__ == "__main__":
    main()
