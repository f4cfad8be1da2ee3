"""Exact arithmetic on syntax trees: constants as fractions, rational functions as polynomials.

Everything is bounded: what grows too large is given up (None, or TooLargeError), never worked
through.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from tutor.grading.printing import expression_text
from tutor.grading.rationals import power_is_bounded, root_exact
from tutor.grading.syntax import Bin, Call, Mixed, Name, Neg, Node, Num

MAX_TERMS = 400
MAX_WORK = 20_000
MAX_DEGREE = 100
MAX_BITS = 4096
MAX_FACTORIAL = 200

# A monomial is a sorted tuple of (name, exponent); a polynomial maps monomials to coefficients.
Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Fraction]


class UndefinedError(Exception):
    """The expression divides by zero."""


class TooLargeError(Exception):
    """The expression grows beyond the bounds."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient of polynomials. `is_rational` is false where roots or functions stand in as
    names of their own: then equal forms are equal, but different ones may be equal too."""

    top: Polynomial
    bottom: Polynomial
    is_rational: bool


class Budget:
    """How many products of terms one question may still cost."""

    def __init__(self) -> None:
        self.left = MAX_WORK

    def spend(self, count: int) -> None:
        """Take from what is left.

        Raises: TooLargeError
        """
        self.left -= count
        if self.left < 0:
            raise TooLargeError


def constant_value(node: Node) -> Fraction | None:
    """The exact value of an expression without letters; None when it is not rational or large.

    Raises: UndefinedError
    """
    match node:
        case Num(value):
            return value
        case Mixed(whole, top, bottom):
            if bottom == 0:
                raise UndefinedError
            return whole + Fraction(top, bottom)
        case Name():
            return None
        case Neg(argument):
            negated = constant_value(argument)
            return None if negated is None else -negated
        case Call(function, argument):
            inner = constant_value(argument)
            return None if inner is None else _called(function, inner)
        case Bin(operator, left, right):
            one, other = constant_value(left), constant_value(right)
            if operator == "/" and other == 0:
                raise UndefinedError
            if one is None or other is None:
                return None
            return _bounded(_combined(operator, one, other))


def _bounded(value: Fraction | None) -> Fraction | None:
    if value is None or value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
        return None
    return value


def _combined(operator: str, one: Fraction, other: Fraction) -> Fraction | None:
    if operator == "+":
        return one + other
    if operator == "-":
        return one - other
    if operator == "*":
        return one * other
    if operator == "/":
        return one / other
    if one == 0 and other < 0:
        raise UndefinedError
    if not power_is_bounded(one, other.numerator):
        return None
    if other.denominator == 1:
        return Fraction(one**other.numerator)
    # A negative base to a broken power has several values; SymPy decides about those.
    root = root_exact(one, other.denominator) if one >= 0 else None
    return None if root is None else Fraction(root**other.numerator)


def _called(function: str, value: Fraction) -> Fraction | None:
    if function == "abs":
        return abs(value)
    if function == "sqrt":
        return root_exact(value, 2)
    if function == "cbrt":
        return root_exact(value, 3)
    if function == "factorial" and value.denominator == 1 and 0 <= value <= MAX_FACTORIAL:
        return Fraction(math.factorial(value.numerator))
    if function in ("sin", "tan") and value == 0:
        return Fraction(0)
    if function in ("cos", "exp") and value == 0:
        return Fraction(1)
    if function in ("ln", "log") and value == 0:
        raise UndefinedError
    return Fraction(0) if function in ("ln", "log") and value == 1 else None


@lru_cache(maxsize=256)
def ratio_of(node: Node) -> Ratio | None:
    """The expression as a quotient of polynomials; None when it grows too large.

    Raises: UndefinedError
    """
    try:
        return _ratio(node, Budget())
    except TooLargeError:
        return None


def ratios_equal(left: Ratio, right: Ratio) -> bool | None:
    """Whether two quotients are equal; None when that cannot be told."""
    try:
        budget = Budget()
        one = multiplied(left.top, right.bottom, budget)
        if one == multiplied(right.top, left.bottom, budget):
            return True
    except TooLargeError:
        return None
    return False if left.is_rational and right.is_rational else None


def ratio_quotient(left: Ratio, right: Ratio) -> Fraction | None:
    """The constant k with left = k * right, where there is one.

    Raises: TooLargeError
    """
    budget = Budget()
    one = multiplied(left.top, right.bottom, budget)
    other = multiplied(right.top, left.bottom, budget)
    if one.keys() != other.keys() or not one:
        return None
    factors = {coefficient / other[monomial] for monomial, coefficient in one.items()}
    return factors.pop() if len(factors) == 1 else None


def _ratio(node: Node, budget: Budget) -> Ratio:
    value = constant_value(node)
    if value is not None:
        return Ratio(_constant(value), _constant(Fraction(1)), True)
    match node:
        case Name(name):
            # pi is transcendental: no polynomial with fractions holds it, so it acts as a letter.
            return _letter(name, is_rational=True)
        case Neg(argument):
            inner = _ratio(argument, budget)
            return Ratio(_scaled(inner.top, Fraction(-1)), inner.bottom, inner.is_rational)
        case Bin("+" | "-" as operator, left, right):
            return _sum(
                _ratio(left, budget),
                _ratio(right, budget),
                Fraction(1 if operator == "+" else -1),
                budget,
            )
        case Bin("*", left, right):
            return _product(_ratio(left, budget), _ratio(right, budget), budget)
        case Bin("/", left, right):
            return _product(_ratio(left, budget), _inverse(_ratio(right, budget)), budget)
        case Bin("^", left, right):
            return _power(node, left, right, budget)
        case _:
            return _letter(f"[{expression_text(node)}]", is_rational=False)


def _letter(name: str, *, is_rational: bool) -> Ratio:
    return Ratio({((name, 1),): Fraction(1)}, _constant(Fraction(1)), is_rational)


def _constant(value: Fraction) -> Polynomial:
    return {(): value} if value else {}


def _scaled(polynomial: Polynomial, factor: Fraction) -> Polynomial:
    return {monomial: value * factor for monomial, value in polynomial.items()}


def _sum(left: Ratio, right: Ratio, sign: Fraction, budget: Budget) -> Ratio:
    is_rational = left.is_rational and right.is_rational
    if left.bottom == right.bottom:
        return Ratio(added(left.top, _scaled(right.top, sign)), left.bottom, is_rational)
    top = added(
        multiplied(left.top, right.bottom, budget),
        _scaled(multiplied(right.top, left.bottom, budget), sign),
    )
    return Ratio(top, multiplied(left.bottom, right.bottom, budget), is_rational)


def _product(left: Ratio, right: Ratio, budget: Budget) -> Ratio:
    return Ratio(
        multiplied(left.top, right.top, budget),
        multiplied(left.bottom, right.bottom, budget),
        left.is_rational and right.is_rational,
    )


def _inverse(ratio: Ratio) -> Ratio:
    if not ratio.top:
        raise UndefinedError
    return Ratio(ratio.bottom, ratio.top, ratio.is_rational)


def _power(node: Node, left: Node, right: Node, budget: Budget) -> Ratio:
    exponent = constant_value(right)
    if exponent is None or exponent.denominator != 1 or abs(exponent) > MAX_DEGREE:
        return _letter(f"[{expression_text(node)}]", is_rational=False)
    count = exponent.numerator
    base = _ratio(left, budget)
    if count < 0:
        base, count = _inverse(base), -count
    result = Ratio(_constant(Fraction(1)), _constant(Fraction(1)), base.is_rational)
    for _ in range(count):
        result = _product(result, base, budget)
    return result


def added(left: Polynomial, right: Polynomial) -> Polynomial:
    """The sum, without terms that vanish."""
    result = dict(left)
    for monomial, value in right.items():
        total = result.get(monomial, Fraction(0)) + value
        if total:
            result[monomial] = total
        else:
            result.pop(monomial, None)
    return result


def multiplied(left: Polynomial, right: Polynomial, budget: Budget) -> Polynomial:
    """The product.

    Raises: TooLargeError
    """
    budget.spend(len(left) * len(right))
    result: Polynomial = {}
    for one, first in left.items():
        for other, second in right.items():
            monomial = _monomial(one, other)
            total = result.get(monomial, Fraction(0)) + first * second
            if total.numerator.bit_length() + total.denominator.bit_length() > MAX_BITS:
                raise TooLargeError
            result[monomial] = total
    if len(result) > MAX_TERMS:
        raise TooLargeError
    return {monomial: value for monomial, value in result.items() if value}


def _monomial(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    exponents = dict(left)
    for name, exponent in right:
        exponents[name] = exponents.get(name, 0) + exponent
        if exponents[name] > MAX_DEGREE:
            raise TooLargeError
    return tuple(sorted(exponents.items()))
