"""Compare expressions by their values at a few points, when nothing better has decided.

Bounded at every operation: an expression whose values grow too large decides nothing.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import mpmath

from tutor.grading.specs import Verdict
from tutor.grading.syntax import Bin, Call, Mixed, Name, Neg, Node, Num, names_of

DIGITS = 60
TOLERANCE_DIGITS = 30
POINTS = 40
POINTS_NEEDED = 8
MAX_POWER = 10**7
MAX_LOG10 = 10**7
MAX_ARGUMENT = 10**5

# mpmath has no types: a real or complex number of its own.
Complex = Any


class _UndecidedError(Exception):
    """The value at a point does not exist or is too large."""


def numerically_equivalent(left: Node, right: Node) -> Verdict:
    """Compare at fixed rational points, positive and negative, where both values are real.

    One clear difference is a difference; agreement at eight points or more, to 30 digits, is
    taken as equality; too few such points leave it UNDECIDED.
    """
    names = sorted(names_of(left) | names_of(right))
    agreed = 0
    with mpmath.workdps(DIGITS):
        for point in range(POINTS):
            values = {name: _coordinate(point, place) for place, name in enumerate(names)}
            try:
                one, other = _value(left, values), _value(right, values)
            except (_UndecidedError, ZeroDivisionError, ValueError, OverflowError, TypeError):
                continue
            if not (_is_real(one) and _is_real(other)):
                continue
            scale = max(abs(one), abs(other), mpmath.mpf(10) ** -10)
            if abs(one - other) > scale * mpmath.mpf(10) ** -TOLERANCE_DIGITS:
                return Verdict.DIFFERENT
            agreed += 1
            if not names or agreed >= POINTS_NEEDED:
                return Verdict.SAME
    return Verdict.UNDECIDED


def _is_real(value: Complex) -> bool:
    return bool(mpmath.isfinite(value)) and mpmath.im(value) == 0


def _coordinate(point: int, place: int) -> Fraction:
    # Coprime-looking fractions off the usual special values; every third point is negative.
    mixed = (point * 7919 + place * 104729 + 12345) % 10007
    value = Fraction(mixed % 997 + 7, mixed % 23 + 29)
    return -value if point % 3 == 2 else value


def _value(node: Node, values: Mapping[str, Fraction]) -> Complex:
    match node:
        case Num(value):
            return _exact(value)
        case Mixed(whole, top, bottom):
            return _exact(whole + Fraction(top, bottom))
        case Name(name):
            return +mpmath.pi if name == "pi" else _exact(values[name])
        case Neg(argument):
            return -_value(argument, values)
        case Call(function, argument):
            return _called(function, _value(argument, values))
        case Bin("^", left, right):
            return _power(_value(left, values), _value(right, values))
        case Bin(operator, left, right):
            one, other = _value(left, values), _value(right, values)
            if operator == "+":
                return one + other
            if operator == "-":
                return one - other
            return one * other if operator == "*" else one / other


def _exact(value: Fraction) -> Complex:
    return mpmath.mpf(value.numerator) / value.denominator


def _power(base: Complex, exponent: Complex) -> Complex:
    size = abs(exponent)
    if size > MAX_POWER:
        raise _UndecidedError
    if base == 0:
        if mpmath.re(exponent) <= 0:
            raise _UndecidedError
        return mpmath.mpf(0)
    if size * abs(mpmath.log10(abs(base))) > MAX_LOG10:
        raise _UndecidedError
    return mpmath.power(base, exponent)


def _called(function: str, value: Complex) -> Complex:
    if function == "abs":
        return abs(value)
    if function == "sqrt":
        return mpmath.sqrt(value)
    if function == "cbrt":
        # The real cube root, as schools have it.
        is_negative = mpmath.im(value) == 0 and mpmath.re(value) < 0
        return -mpmath.cbrt(-value) if is_negative else mpmath.cbrt(value)
    if abs(value) > MAX_ARGUMENT:
        raise _UndecidedError
    if function in ("ln", "log"):
        if value == 0:
            raise _UndecidedError
        return mpmath.log(value) if function == "ln" else mpmath.log10(value)
    if function == "factorial":
        return mpmath.factorial(value)
    functions = {"sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "exp": mpmath.exp}
    return functions[function](value)
