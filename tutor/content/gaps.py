r"""Worked examples with gaps: boxes, `\square`, that the learner fills before looking."""

from collections.abc import Iterator, Sequence

BOX = r"\square"


def gaps_count(steps: Sequence[str]) -> int:
    """How many boxes the steps hold together."""
    return sum(step.count(BOX) for step in steps)


def steps_filled(steps: Sequence[str], gaps: Sequence[str]) -> tuple[str, ...]:
    """Each step with what belongs in its boxes, framed; an empty text for one without a box.

    A box for which `gaps` has nothing left stays a box.
    """
    values = iter(gaps)
    return tuple(_filled(step, values) if BOX in step else "" for step in steps)


def _filled(step: str, values: Iterator[str]) -> str:
    first, *others = step.split(BOX)
    parts = [first]
    for other in others:
        value = next(values, None)
        parts += [BOX if value is None else rf"\boxed{{{value}}}", other]
    return "".join(parts)
