"""The expression language of templates: exact arithmetic on numbers, words and claims.

Written as a parser of its own: nothing of Python's evaluator is reachable from a bundle.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from tutor.grading.errors import TemplateError
from tutor.grading.rationals import is_terminating, power_is_bounded, round_half_away

MAX_LENGTH = 500
MAX_DEPTH = 30
MAX_BITS = 8192


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number. `is_decimal` keeps that it was written as a decimal (0.5, not 1/2)."""

    value: Fraction
    is_decimal: bool = False


Value = Number | str
Result = Number | str | bool
Values = Mapping[str, Value]
Thunk = Callable[[Values], Result]

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)
    |(?P<text>"[^"]*"|'[^']*')|(?P<sign>\*\*|//|==|!=|<=|>=|[-+*/%<>(),]))""",
    re.VERBOSE | re.ASCII,
)
_COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_WORDS = frozenset({"and", "or", "not", "if"})


def evaluate(expression: str, values: Values) -> Result:
    """Evaluate over the variables.

    Raises: TemplateError, naming the expression.
    """
    try:
        return compiled(expression)(values)
    except TemplateError as error:
        raise TemplateError(f"in the expression {expression!r}: {error}") from None
    except RecursionError:
        raise TemplateError(f"the expression {expression!r} is nested too deeply") from None


@lru_cache(maxsize=4096)
def compiled(expression: str) -> Thunk:
    """Parse once; the same expressions are evaluated for every variant."""
    return _Parser(expression).parse()


def names_used(expression: str) -> frozenset[str]:
    """The variables that an expression mentions.

    Raises: TemplateError
    """
    parser = _Parser(expression)
    parser.parse()
    return frozenset(parser.names)


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise TemplateError(f"it has {len(text)} characters, at most {MAX_LENGTH} are allowed")
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0
        self.names: set[str] = set()

    def parse(self) -> Thunk:
        if not self.tokens:
            raise TemplateError("it is empty")
        thunk = self.either()
        if self.at < len(self.tokens):
            raise TemplateError(f"{self.tokens[self.at][1]!r} is not expected there")
        return thunk

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        found = self.peek()
        if found and found in wanted and self.tokens[self.at][0] != "text":
            self.at += 1
            return found
        return ""

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise TemplateError(f"{sign!r} is expected before {self.peek() or 'the end'!r}")

    def either(self) -> Thunk:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TemplateError(f"brackets are nested more than {MAX_DEPTH} deep")
        left = self.both()
        while self.take("or"):
            left = _lazy(left, self.both(), stop=True)
        self.depth -= 1
        return left

    def both(self) -> Thunk:
        left = self.negation()
        while self.take("and"):
            left = _lazy(left, self.negation(), stop=False)
        return left

    def negation(self) -> Thunk:
        count = 0
        while self.take("not"):
            count += 1
        claim = self.comparison()
        if not count:
            return claim
        return lambda values: _claim(claim(values)) == (count % 2 == 0)

    def comparison(self) -> Thunk:
        parts = [self.sum()]
        signs = []
        while sign := self.take("==", "!=", "<", "<=", ">", ">="):
            signs.append(sign)
            parts.append(self.sum())
        if not signs:
            return parts[0]

        def compare(values: Values) -> Result:
            results = [part(values) for part in parts]
            pairs = zip(results, signs, results[1:], strict=False)
            return all(_compared(left, sign, right) for left, sign, right in pairs)

        return compare

    def sum(self) -> Thunk:
        left = self.product()
        while sign := self.take("+", "-"):
            left = _binary(sign, left, self.product())
        return left

    def product(self) -> Thunk:
        left = self.unary()
        while sign := self.take("*", "/", "//", "%"):
            left = _binary(sign, left, self.unary())
        return left

    def unary(self) -> Thunk:
        is_negative = False
        while sign := self.take("+", "-"):
            is_negative ^= sign == "-"
        operand = self.power()
        if not is_negative:
            return operand
        zero: Thunk = lambda values: Number(Fraction(0))  # noqa: E731
        return _binary("-", zero, operand)

    def power(self) -> Thunk:
        base = self.atom()
        if not self.take("**"):
            return base
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TemplateError(f"powers are nested more than {MAX_DEPTH} deep")
        exponent = self.unary()
        self.depth -= 1
        return _binary("**", base, exponent)

    def atom(self) -> Thunk:
        if self.at >= len(self.tokens):
            raise TemplateError("it ends too early")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            constant = Number(Fraction(text), "." in text)
            return lambda values: constant
        if kind == "text":
            word = text[1:-1]
            return lambda values: word
        if text == "(":
            inner = self.either()
            self.need(")")
            return inner
        if kind == "name" and self.take("("):
            return self.call(text)
        if kind == "name" and text not in _WORDS:
            self.names.add(text)
            return lambda values: _variable(values, text)
        raise TemplateError(f"{text!r} is not expected there")

    def call(self, name: str) -> Thunk:
        arguments = [self.either()]
        while self.take(","):
            arguments.append(self.either())
        self.need(")")
        if name == "if":
            return _conditional(arguments)
        if name not in FUNCTIONS:
            known = ", ".join(sorted([*FUNCTIONS, "if"]))
            raise TemplateError(f"there is no function {name!r}; there are {known}")
        function, least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise TemplateError(f"{name} takes {wanted} values, {len(arguments)} are given")

        def called(values: Values) -> Result:
            numbers = [_number(argument(values)) for argument in arguments]
            exact = function(*(number.value for number in numbers))
            return _result(exact, is_decimal=any(number.is_decimal for number in numbers))

        return called


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise TemplateError(f"{text[at:].strip()[:1]!r} is not part of the language")
        tokens.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return tokens


def _variable(values: Values, name: str) -> Value:
    if name not in values:
        known = ", ".join(values) or "none"
        raise TemplateError(f"there is no variable {name!r}; known here: {known}")
    return values[name]


def _number(value: Result) -> Number:
    if not isinstance(value, Number):
        raise TemplateError(f"{value!r} is not a number")
    return value


def _claim(value: Result) -> bool:
    if not isinstance(value, bool):
        shown = str(value.value) if isinstance(value, Number) else repr(value)
        raise TemplateError(f"{shown} is neither true nor false; write a comparison")
    return value


def _result(value: Fraction, *, is_decimal: bool) -> Number:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise TemplateError("the result is too large")
    return Number(value, is_decimal and is_terminating(value))


def _compared(left: Result, sign: str, right: Result) -> bool:
    if sign in ("==", "!="):
        one = left.value if isinstance(left, Number) else left
        other = right.value if isinstance(right, Number) else right
        return (type(left) is type(right) and one == other) == (sign == "==")
    return _COMPARE[sign](_number(left).value, _number(right).value)


def _lazy(left: Thunk, right: Thunk, *, stop: bool) -> Thunk:
    # The right side is not evaluated when the left decides: `b != 0 and a / b > 1` is safe.
    def joined(values: Values) -> Result:
        return stop if _claim(left(values)) is stop else _claim(right(values))

    return joined


def _conditional(arguments: list[Thunk]) -> Thunk:
    if len(arguments) != 3:
        raise TemplateError(f"if takes 3 values, {len(arguments)} are given")
    condition, yes, no = arguments
    return lambda values: (yes if _claim(condition(values)) else no)(values)


def _binary(sign: str, left: Thunk, right: Thunk) -> Thunk:
    def applied(values: Values) -> Result:
        one, other = _number(left(values)), _number(right(values))
        exact = _applied(sign, one.value, other.value)
        return _result(exact, is_decimal=one.is_decimal or other.is_decimal)

    return applied


def _applied(sign: str, one: Fraction, other: Fraction) -> Fraction:
    if sign == "+":
        return one + other
    if sign == "-":
        return one - other
    if sign == "*":
        return one * other
    if sign == "**":
        return _powered(one, other)
    if other == 0:
        raise TemplateError("it divides by zero")
    if sign == "/":
        return one / other
    return Fraction(one // other) if sign == "//" else one % other


def _powered(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise TemplateError(f"the exponent {exponent} is not a whole number")
    if base == 0 and exponent < 0:
        raise TemplateError("it divides by zero")
    if not power_is_bounded(base, exponent.numerator):
        raise TemplateError(f"the power {base} ** {exponent} is too large")
    return Fraction(base**exponent.numerator)


def _whole(value: Fraction, name: str) -> int:
    if value.denominator != 1:
        raise TemplateError(f"{name} takes whole numbers, not {value}")
    return value.numerator


def _gcd(*values: Fraction) -> Fraction:
    return Fraction(math.gcd(*(_whole(value, "gcd") for value in values)))


def _lcm(*values: Fraction) -> Fraction:
    return Fraction(math.lcm(*(_whole(value, "lcm") for value in values)))


def _round(value: Fraction, places: Fraction = Fraction(0)) -> Fraction:
    count = _whole(places, "round")
    if not 0 <= count <= 20:
        raise TemplateError(f"round takes 0 to 20 places, not {count}")
    return round_half_away(value, count)


FUNCTIONS: dict[str, tuple[Callable[..., Fraction], int, int]] = {
    "abs": (abs, 1, 1),
    "ceil": (lambda value: Fraction(math.ceil(value)), 1, 1),
    "denominator": (lambda value: Fraction(value.denominator), 1, 1),
    "floor": (lambda value: Fraction(math.floor(value)), 1, 1),
    "gcd": (_gcd, 1, 10),
    "lcm": (_lcm, 1, 10),
    "max": (max, 1, 10),
    "min": (min, 1, 10),
    "numerator": (lambda value: Fraction(value.numerator), 1, 1),
    "round": (_round, 1, 2),
    "sign": (lambda value: Fraction((value > 0) - (value < 0)), 1, 1),
}
RESERVED = _WORDS | FUNCTIONS.keys()
