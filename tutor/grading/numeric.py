"""Compare expressions by their values at a few points, when nothing better has decided.

Bounded at every operation: an expression whose values grow too large decides nothing.
"""

import threading
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from mpmath.ctx_mp import MPContext

from tutor.grading.specs import Verdict
from tutor.grading.syntax import Bin, Call, Mixed, Name, Neg, Node, Num, names_of

# Far more than is compared, so that digits may cancel on the way.
DIGITS = 100
TOLERANCE_DIGITS = 30
POINTS = 40
POINTS_NEEDED = 8
MAX_POWER = 10**7
MAX_LOG10 = 10**7
MAX_ARGUMENT = 10**5
MAX_ANGLE = 10**30

# mpmath has no types: these are its numbers, real or complex.
Complex = Any


class _Precision(threading.local):
    """A precision for each thread: mpmath's own is one for the whole process."""

    def __init__(self) -> None:
        self.mp: Any = MPContext()
        self.mp.dps = DIGITS


_local = _Precision()


class _UndecidedError(Exception):
    """The value at a point does not exist or is too large."""


class _TooLargeError(_UndecidedError):
    """The value is too large to be worked out."""


def numerically_equivalent(left: Node, right: Node) -> Verdict:
    """Compare at fixed rational points, positive and negative, where both values are real.

    One clear difference is a difference; agreement at eight points or more, to 30 digits, is
    taken as equality; too few such points leave it UNDECIDED.
    """
    names = sorted(names_of(left) | names_of(right))
    agreed = 0
    for point in range(POINTS):
        values = {name: _coordinate(point, place) for place, name in enumerate(names)}
        try:
            one, other = _value(left, values), _value(right, values)
        except (_UndecidedError, ZeroDivisionError, ValueError, OverflowError, TypeError):
            continue
        if not (_is_real(one) and _is_real(other)):
            continue
        scale = max(abs(one), abs(other), _local.mp.mpf(10) ** -10)
        if abs(one - other) > scale * _local.mp.mpf(10) ** -TOLERANCE_DIGITS:
            return Verdict.DIFFERENT
        agreed += 1
        if not names or agreed >= POINTS_NEEDED:
            return Verdict.SAME
    return Verdict.UNDECIDED


def _is_real(value: Complex) -> bool:
    return bool(_local.mp.isfinite(value)) and _local.mp.im(value) == 0


def holds_huge_constant(node: Node) -> bool:
    """Whether a part without letters, such as 9^9^9, is too large for anyone to work out."""
    if not names_of(node):
        try:
            _value(node, {})
        except _TooLargeError:
            return True
        except (_UndecidedError, ZeroDivisionError, ValueError, OverflowError, TypeError):
            return False
        return False
    match node:
        case Neg(argument) | Call(_, argument):
            return holds_huge_constant(argument)
        case Bin(_, left, right):
            return holds_huge_constant(left) or holds_huge_constant(right)
        case _:
            return False


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
            return +_local.mp.pi if name == "pi" else _exact(values[name])
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
    return _local.mp.mpf(value.numerator) / value.denominator


def _power(base: Complex, exponent: Complex) -> Complex:
    size = abs(exponent)
    if size > MAX_POWER:
        raise _TooLargeError
    if base == 0:
        if _local.mp.re(exponent) <= 0:
            raise _UndecidedError
        return _local.mp.mpf(0)
    if size * abs(_local.mp.log10(abs(base))) > MAX_LOG10:
        raise _TooLargeError
    return _local.mp.power(base, exponent)


def _called(function: str, value: Complex) -> Complex:
    if function == "abs":
        return abs(value)
    if function == "sqrt":
        return _local.mp.sqrt(value)
    if function == "cbrt":
        # The real cube root, as schools have it.
        is_negative = _local.mp.im(value) == 0 and _local.mp.re(value) < 0
        return -_local.mp.cbrt(-value) if is_negative else _local.mp.cbrt(value)
    if function in ("ln", "log"):
        if value == 0:
            raise _UndecidedError
        return _local.mp.log(value) if function == "ln" else _local.mp.log10(value)
    if abs(value) > (MAX_ANGLE if function in ("sin", "cos", "tan") else MAX_ARGUMENT):
        raise _TooLargeError
    if function == "factorial":
        return _local.mp.factorial(value)
    functions = {
        "sin": _local.mp.sin,
        "cos": _local.mp.cos,
        "tan": _local.mp.tan,
        "exp": _local.mp.exp,
    }
    return functions[function](value)
