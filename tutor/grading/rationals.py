"""Exact numbers as text: plain, LaTeX, mixed and decimal."""

import math
from fractions import Fraction

MAX_BITS = 4096
MAX_EXPONENT = 512
DECIMAL_PLACES = 6


def is_terminating(value: Fraction) -> bool:
    """Whether the decimal expansion ends."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def power_is_bounded(base: Fraction, exponent: int) -> bool:
    """Whether `base ** exponent` stays small enough to be worked out at once."""
    if base in (0, 1, -1):
        return True
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    return abs(exponent) <= MAX_EXPONENT and bits * abs(exponent) <= MAX_BITS


def root_exact(value: Fraction, degree: int) -> Fraction | None:
    """The rational root of the degree, or None when it is not rational."""
    if degree < 1 or degree > 64 or (value < 0 and degree % 2 == 0):
        return None
    top = _root_whole(abs(value.numerator), degree)
    bottom = _root_whole(value.denominator, degree)
    if top is None or bottom is None:
        return None
    return Fraction(top if value >= 0 else -top, bottom)


def _root_whole(value: int, degree: int) -> int | None:
    if degree == 2:
        root = math.isqrt(value)
    else:
        low, high = 0, 1 << (value.bit_length() // degree + 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
        root = low
    return root if root**degree == value else None


def round_half_away(value: Fraction, places: int = 0) -> Fraction:
    """Round as schools do: a half goes away from zero."""
    scale = 10**places
    whole = math.floor(abs(value) * scale + Fraction(1, 2))
    return Fraction(whole if value >= 0 else -whole, scale)


def plain(value: Fraction) -> str:
    """`7` or `-3/4`."""
    if value.denominator == 1:
        return str(value.numerator)
    return f"{value.numerator}/{value.denominator}"


def tex(value: Fraction) -> str:
    r"""`7` or `-\frac{3}{4}`."""
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def mixed(value: Fraction) -> str:
    """`1 1/2`, `-1 1/2`; a proper fraction or a whole number stays as it is."""
    sign, whole, rest = _mixed_parts(value)
    return plain(value) if not whole or not rest else f"{sign}{whole} {plain(rest)}"


def mixed_tex(value: Fraction) -> str:
    r"""`1\frac{1}{2}`."""
    sign, whole, rest = _mixed_parts(value)
    return tex(value) if not whole or not rest else f"{sign}{whole}{tex(rest)}"


def _mixed_parts(value: Fraction) -> tuple[str, int, Fraction]:
    whole, rest = divmod(abs(value), 1)
    return ("-" if value < 0 else ""), whole, rest


def decimal(value: Fraction, places: int | None = None) -> str:
    """A decimal: exact where it ends, else rounded to 6 places; or always `places` places."""
    if places is None:
        exact = is_terminating(value) and value.denominator.bit_length() <= 210
        text = _fixed(value, 64 if exact else DECIMAL_PLACES)
        return text.rstrip("0").rstrip(".") if "." in text else text
    return _fixed(value, places)


def _fixed(value: Fraction, places: int) -> str:
    rounded = round_half_away(value, places)
    digits = str(abs(rounded.numerator) * 10**places // rounded.denominator).zfill(places + 1)
    sign = "-" if rounded < 0 else ""
    if not places:
        return sign + digits
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def signed(value: Fraction, text: str) -> str:
    """`+ 3` or `- 3`, as the next term of a sum; `text` is the value as it is written."""
    return f"- {text.lstrip('-')}" if value < 0 else f"+ {text}"


def coefficient(value: Fraction, text: str) -> str:
    """What stands before a letter: nothing for 1, `-` for -1."""
    if value == 1:
        return ""
    return "-" if value == -1 else text
