"""What the checks of an import, and the quality rules, say of one problem or lesson."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.core.cache import cache

from tutor.content.bundles import Document, checksum
from tutor.content.errors import RowError, errors_of
from tutor.content.exporting import course_frame
from tutor.content.linting import LintFinding, problem_lint
from tutor.content.models import Course, DraftKind
from tutor.content.validation import bundle_check

# Few, so that a page can wait for it; `manage.py check_course` draws 200.
LINT_SEEDS = 12
# Part of the key under which findings are kept: raise it when a rule changes.
LINT_VERSION = 1
KEPT_SECONDS = 30 * 24 * 3600
SECTION = {DraftKind.PROBLEM: "problems", DraftKind.LESSON: "lessons"}


@dataclass(frozen=True, slots=True)
class Checked:
    """Findings of one document; their pointers begin at it."""

    rows: tuple[RowError, ...]
    quality: tuple[LintFinding, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether an import would refuse it."""
        return bool(errors_of(self.rows))


def document_check(course: Course, kind: str, document: Document) -> Checked:
    """Check a document within its course: all that the import checks, and the quality rules."""
    section = SECTION[DraftKind(kind)]
    frame = course_frame(course)
    if kind == DraftKind.LESSON:
        others = [lesson for lesson in frame["lessons"] if lesson["id"] != document["id"]]
        frame["lessons"] = [document, *others]
    else:
        frame["problems"] = [document]
    rows = own_rows(bundle_check(frame), f"/{section}/0")
    quality: Sequence[LintFinding] = ()
    if kind == DraftKind.PROBLEM and not errors_of(rows):
        quality = quality_of(document)
    return Checked(rows, tuple(quality))


def own_rows(rows: Sequence[RowError], pointer: str) -> tuple[RowError, ...]:
    """Keep the findings below a pointer, and make them begin there."""
    return tuple(
        replace(row, pointer=row.pointer.removeprefix(pointer))
        for row in rows
        if row.pointer == pointer or row.pointer.startswith(f"{pointer}/")
    )


def quality_of(document: Document) -> list[LintFinding]:
    """Return what the quality rules say of a problem that the import accepts; kept in the cache."""
    return qualities_of([document])[0]


def qualities_of(documents: Sequence[Document]) -> list[list[LintFinding]]:
    """Return the findings of several problems; those that were asked before cost one look."""
    keys = [f"lint:{LINT_VERSION}:{LINT_SEEDS}:{checksum(document)}" for document in documents]
    known = cache.get_many(keys)
    found: list[list[LintFinding]] = []
    for key, document in zip(keys, documents, strict=True):
        rows = known.get(key)
        if rows is None:
            rows = problem_lint(document, seeds=LINT_SEEDS)
            cache.set(key, rows, KEPT_SECONDS)
        found.append(rows)
    return found
