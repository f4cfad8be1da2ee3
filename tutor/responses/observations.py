"""What counts as an observation: the one definition that models, exports and pages share.

An observation is the first readable response of a learner to a shown variant of a step. It is
correct when it is a right answer at that first try with no help opened before it. Help or "I don't
know this yet" first is an incorrect observation of its own kind. Later tries and answers to
scaffolds are responses, not observations; so is a repeat of the same variant within a sitting.
"""

from dataclasses import dataclass

from tutor.responses.models import ResponseKind

# Longer looks at a step are absence, not thought.
ELAPSED_CAP_MS = 10 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a response counts."""

    is_observation: bool
    is_correct: bool


def response_judge(
    *,
    kind: str,
    is_right: bool,
    is_step_observed: bool,
    hints_opened: int,
    is_repeat_of_variant: bool,
) -> Judgement:
    """Return how a response counts.

    `is_step_observed` says that this showing of the step has given its observation already;
    `is_repeat_of_variant` that the same variant was answered earlier in the sitting.
    """
    if kind == ResponseKind.SCAFFOLD:
        return Judgement(is_observation=False, is_correct=is_right)
    is_answer = kind == ResponseKind.ANSWER
    is_first = not is_step_observed and not is_repeat_of_variant
    return Judgement(
        is_observation=is_first,
        is_correct=is_answer and is_right and not (is_first and hints_opened > 0),
    )


def elapsed_capped(elapsed_ms: int | None) -> int | None:
    """Return the time on a step, capped at ten minutes; None for what no clock can have shown."""
    if elapsed_ms is None or elapsed_ms < 0:
        return None
    return min(elapsed_ms, ELAPSED_CAP_MS)
