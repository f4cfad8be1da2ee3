"""Texts and answer inputs as learners see them; practice and the authors' preview use the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tutor.content.models import Course
from tutor.content.text import text_inline, text_render
from tutor.grading.kinds_choice import ids_posted, pairs_posted


@dataclass(frozen=True, slots=True)
class Option:
    """A choice, a thing to order, or a side of a pair: rendered, with its id."""

    id: str
    html: str
    is_picked: bool = False
    place: int | None = None
    picked_id: str = ""


@dataclass(frozen=True, slots=True)
class AnswerField:
    """The input that fits an answer: its kind, what is picked or typed, and what there is to pick.

    `left` holds the sides to match for `matching`; `units` what a number must carry.
    """

    kind: str
    value: str = ""
    options: tuple[Option, ...] = ()
    left: tuple[Option, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def is_typed(self) -> bool:
        """Whether the learner types it."""
        return self.kind not in {"choice", "multiple_choice", "ordering", "matching"}


class Renderer:
    """Text of one course to HTML."""

    def __init__(self, course: Course) -> None:
        self.course_uuid = course.uuid

    def block(self, source: str) -> str:
        """Render a text of paragraphs."""
        return text_render(source, course_uuid=self.course_uuid) if source else ""

    def inline(self, source: str) -> str:
        """Render a text for the middle of a line."""
        return text_inline(source, course_uuid=self.course_uuid) if source else ""


def answer_field(
    answer: Mapping[str, Any],
    choices: Sequence[Mapping[str, Any]],
    *,
    raw: str,
    seed: int,
    html: Renderer,
) -> AnswerField:
    """Return the input for an answer, filled with what was answered (as `raw_from_form` has it)."""
    kind = str(answer["kind"])
    picked = ids_posted(raw) if kind in {"choice", "multiple_choice", "ordering"} else []
    options = [
        Option(
            id=choice["id"],
            html=html.inline(choice["text"]),
            is_picked=choice["id"] in picked,
            place=picked.index(choice["id"]) + 1 if choice["id"] in picked else None,
        )
        for choice in choices
    ]
    if kind in {"ordering", "matching"}:
        # As written they may stand in the right order; the same variant is always mixed the same.
        Random(seed).shuffle(options)  # noqa: S311
    pairs = (pairs_posted(raw) or {}) if kind == "matching" else {}
    return AnswerField(
        kind=kind,
        value=raw,
        options=tuple(options),
        left=tuple(
            Option(
                id=side["id"], html=html.inline(side["text"]), picked_id=pairs.get(side["id"], "")
            )
            for side in answer.get("left", ())
        ),
        units=tuple(answer.get("units", ())),
    )


def picked_words(
    answer: Mapping[str, Any], choices: Sequence[Mapping[str, Any]], *, raw: str, html: Renderer
) -> SafeString | None:
    """Return the words of what was picked, in its order; None where it was typed or is unknown."""
    kind = answer["kind"]
    texts = {str(choice["id"]): str(choice["text"]) for choice in choices}
    if kind == "matching":
        pairs = pairs_posted(raw) or {}
        said = [
            (side["text"], texts[pairs[side["id"]]])
            for side in answer.get("left", ())
            if pairs.get(side["id"]) in texts
        ]
        parts = [
            format_html("{} → {}", html.inline(left), html.inline(_clause(right)))
            for left, right in said
        ]
    elif kind in {"choice", "multiple_choice", "ordering"}:
        # As for grading: an id of its own first, for it may hold a comma.
        ids = [raw] if raw in texts else ids_posted(raw)
        picked = [texts[key] for key in ids if key in texts]
        if len(picked) > 1:
            picked = [_clause(text) for text in picked]
        parts = [format_html("{}", html.inline(text)) for text in picked]
    else:
        return None
    return format_html_join("; ", "{}", ((part,) for part in parts)) if parts else None


def _clause(text: str) -> str:
    """Return a sentence as part of a row of them: without its full stop."""
    text = text.strip()
    return text[:-1] if text.endswith(".") and not text.endswith("..") else text
