"""The kinds `number` and `fraction`."""

import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from tutor.grading import rationals
from tutor.grading.quantities import Quantity, Shape, quantity_read, quantity_text
from tutor.grading.specs import (
    RIGHT,
    WRONG,
    AnswerSpec,
    Document,
    Outcome,
    Parsed,
    Problems,
    Reading,
    SymbolicChecker,
    Unreadable,
    Verdict,
)
from tutor.grading.typed import quoted, typed

FORMS = ("any", "lowest", "improper", "mixed")
CLOSE = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class NumberSpec(AnswerSpec[Quantity]):
    """A number within a tolerance, with a unit where `units` lists its spellings."""

    value: Quantity
    tolerance: Fraction
    units: tuple[str, ...]

    def read(self, raw: str, *, is_authored: bool = False) -> Reading[Quantity]:
        found = quantity_read(raw)
        if isinstance(found, Unreadable):
            return found
        if found.unit == "%" and "%" not in self.units and not self.units:
            found = Quantity(found.value / 100, Shape.DECIMAL, 0, 0)
        if found.unit and not self.units:
            return Unreadable(_unit_unasked(raw, found.unit))
        if not found.unit and self.units and "" not in self.units and not is_authored:
            return Unreadable(
                f"Write the unit too: {quoted(self.units[0])}. Only the number was read."
            )
        return Parsed(found, quantity_text(found))

    def grade(self, parsed: Parsed[Quantity], checker: SymbolicChecker) -> Outcome:
        given = parsed.value
        if given.unit and _unit_key(given.unit) not in {_unit_key(unit) for unit in self.units}:
            return Outcome(
                Verdict.DIFFERENT, f"Look at the unit: {quoted(given.unit)} is not what is asked."
            )
        distance = abs(given.value - self.value.value)
        if distance <= self.tolerance:
            return RIGHT
        if (
            self.tolerance == 0
            and given.shape is Shape.DECIMAL
            and not rationals.is_terminating(self.value.value)
            and distance < CLOSE * abs(self.value.value)
        ):
            return Outcome(
                Verdict.DIFFERENT, "That is close, but rounded. Write the exact value, a fraction."
            )
        return WRONG

    def matches(
        self, given: Parsed[Quantity], listed: Parsed[Quantity], checker: SymbolicChecker
    ) -> bool:
        return (
            given.value.value == listed.value.value
            or abs(given.value.value - listed.value.value) <= self.tolerance
        ) and (not listed.value.unit or _unit_key(listed.value.unit) == _unit_key(given.value.unit))

    def expected(self) -> str:
        exact = self.value.value
        is_decimal = self.value.shape is Shape.DECIMAL and rationals.is_terminating(exact)
        number = rationals.decimal(exact) if is_decimal else rationals.tex(exact)
        unit = self.units[0] if self.units else ""
        if unit and unit in "$€£¥₹¢":
            return f"{unit}{number}".replace("$", r"\$")
        return f"${number}$ {unit}".rstrip()


@dataclass(frozen=True, slots=True)
class FractionSpec(AnswerSpec[Quantity]):
    """A fraction in the form that is asked for."""

    value: Fraction
    form: str

    def read(self, raw: str, *, is_authored: bool = False) -> Reading[Quantity]:
        found = quantity_read(raw)
        if isinstance(found, Unreadable):
            return found
        if found.unit:
            return Unreadable(_unit_unasked(raw, found.unit))
        return Parsed(found, _as_written(found))

    def grade(self, parsed: Parsed[Quantity], checker: SymbolicChecker) -> Outcome:
        given = parsed.value
        if given.value != self.value:
            return WRONG
        message = _form_message(given, self.form)
        return Outcome(Verdict.DIFFERENT, message) if message else RIGHT

    def matches(
        self, given: Parsed[Quantity], listed: Parsed[Quantity], checker: SymbolicChecker
    ) -> bool:
        if listed.value.value == self.value:
            # The right value in a wrong form: only that very form is meant.
            return given.normalised == listed.normalised
        return given.value.value == listed.value.value

    def expected(self) -> str:
        style = rationals.mixed_tex if self.form == "mixed" else rationals.tex
        return f"${style(self.value)}$"


def number_spec(answer: Document, problems: Problems) -> NumberSpec | None:
    """The spec, or None when `problems` has something to say."""
    problems.keys(["value"], ["tolerance", "relative_tolerance", "units"])
    units = tuple(unit.strip() for unit in problems.texts("units"))
    value = value_read(answer.get("value"), "/value", problems)
    absolute = _tolerance("tolerance", answer, problems)
    relative = _tolerance("relative_tolerance", answer, problems)
    if value is None or problems.found:
        return None
    if value.unit:
        problems.add("/value", answer.get("value"), "a number without its unit; list it in units")
        return None
    return NumberSpec(value, max(absolute, relative * abs(value.value)), units)


def fraction_spec(answer: Document, problems: Problems) -> FractionSpec | None:
    """The spec, or None when `problems` has something to say."""
    problems.keys(["value"], ["form"])
    form = problems.one_of("form", "any", FORMS)
    value = value_read(answer.get("value"), "/value", problems)
    if value is None or problems.found:
        return None
    if value.unit:
        problems.add("/value", answer.get("value"), "a number without a unit")
        return None
    return FractionSpec(value.value, form)


def value_read(value: object, pointer: str, problems: Problems) -> Quantity | None:
    """An authored number: a JSON number, or a text as a learner would type it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = repr(value)
    elif isinstance(value, str):
        text = value
    else:
        problems.add(pointer, value, "a number such as 7, -0.5 or 3/4")
        return None
    found = quantity_read(text)
    if isinstance(found, Unreadable):
        why = found.message.rstrip(".")
        problems.add(pointer, value, f"a number such as 7, -0.5 or 3/4 ({why})")
        return None
    return found


def _tolerance(key: str, answer: Document, problems: Problems) -> Fraction:
    if key not in answer:
        return Fraction(0)
    found = value_read(answer[key], f"/{key}", problems)
    if found is None:
        return Fraction(0)
    if found.value < 0 or found.unit:
        problems.add(f"/{key}", answer[key], "a number of 0 or more")
    return found.value


def _form_message(given: Quantity, form: str) -> str:
    if form == "any":
        return ""
    if given.shape is Shape.DECIMAL:
        return "The value is right; write it as a fraction, not as a decimal."
    if form == "lowest":
        if given.shape in (Shape.FRACTION, Shape.MIXED) and not _is_lowest(given):
            return "The value is right; now reduce the fraction to lowest terms."
        return ""
    if form == "improper":
        if given.shape is Shape.MIXED:
            return "The value is right; write it as one fraction, not as a mixed number."
        return ""
    is_improper = given.shape is Shape.FRACTION and abs(given.value) >= 1
    return "The value is right; now write it as a mixed number." if is_improper else ""


def _is_lowest(given: Quantity) -> bool:
    return given.bottom > 0 and Fraction(given.top, given.bottom).denominator == given.bottom


def _as_written(given: Quantity) -> str:
    if given.shape is Shape.MIXED:
        sign, whole = ("-" if given.value < 0 else ""), int(abs(given.value))
        return f"{sign}{whole} {given.top}/{given.bottom}"
    if given.shape is Shape.FRACTION:
        return f"{given.top}/{given.bottom}"
    if given.shape is Shape.DECIMAL and rationals.is_terminating(given.value):
        return rationals.decimal(given.value)
    return rationals.plain(given.value)


def _unit_unasked(raw: str, unit: str) -> str:
    return (
        f"We could not read {quoted(typed(raw))}: {quoted(unit)} is not part of a number. "
        "Write the number alone."
    )


def _unit_key(unit: str) -> str:
    folded = unicodedata.normalize("NFKC", unit).casefold()
    return "".join(sign for sign in folded if sign not in " ^.*")
