"""Give a form back as it was sent, when its answer could not be read."""

from dataclasses import replace

from tutor.content.showing import AnswerField
from tutor.grading.kinds_choice import ids_posted, pairs_posted
from tutor.practice.screen import StepScreen


def screen_refilled(screen: StepScreen, *, raw: str, hint_key: str = "") -> StepScreen:
    """Return the screen with the posted answer in the field that it was typed into."""
    if not hint_key:
        return replace(screen, field=_filled(screen.field, raw), opening=None)
    hints = tuple(
        replace(hint, field=_filled(hint.field, raw), message_html="")
        if hint.key == hint_key and hint.field is not None
        else hint
        for hint in screen.hints
    )
    return replace(screen, hints=hints)


def _filled(field: AnswerField, raw: str) -> AnswerField:
    if field.is_typed:
        return replace(field, value=raw)
    picked = [] if field.kind == "matching" else ids_posted(raw)
    pairs = (pairs_posted(raw) or {}) if field.kind == "matching" else {}
    return replace(
        field,
        value=raw,
        options=tuple(
            replace(
                option,
                is_picked=option.id in picked,
                place=picked.index(option.id) + 1 if option.id in picked else None,
            )
            for option in field.options
        ),
        left=tuple(replace(side, picked_id=pairs.get(side.id, "")) for side in field.left),
    )
