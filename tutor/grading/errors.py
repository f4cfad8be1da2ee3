"""Errors of the answer library. Learner input never raises; these are for authors."""

from dataclasses import dataclass


class GradingError(Exception):
    """Base of every error raised by tutor.grading."""

    code = "grading"


class TemplateError(GradingError):
    """A variable, a constraint or a template expression that cannot be used."""

    code = "template"


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """What is wrong with an authored answer. `pointer` is a JSON pointer into the answer."""

    pointer: str
    value: object
    expected: str


class AnswerInvalidError(GradingError):
    """An authored answer that cannot be graded with; `problems` lists every reason."""

    code = "answer-invalid"

    def __init__(self, problems: tuple[AnswerProblem, ...]) -> None:
        self.problems = problems
        super().__init__(
            "; ".join(f"answer{p.pointer} is {p.value!r}, expected {p.expected}" for p in problems)
        )
