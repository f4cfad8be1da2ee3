"""Decimal numbers of quiz files: read strictly, written plainly."""

from decimal import Decimal, InvalidOperation

from tutor.content.quizzes import Unsupported

# More digits than this no learner types, and arithmetic on them would round.
MAX_DIGITS = 12


def decimal_read(text: str) -> Decimal:
    """Read a number such as `-3.14` or `2e3`. Raises: Unsupported."""
    bare = text.strip()
    try:
        number = Decimal(bare) if bare.isascii() and "_" not in bare else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise Unsupported(f"{bare!r} is no number; expected one such as 3.14")
    if len(number.as_tuple().digits) > 2 * MAX_DIGITS or abs(number.adjusted()) > MAX_DIGITS:
        raise Unsupported(f"{bare!r} has more digits than can be graded with")
    return number


def decimal_write(number: Decimal) -> str:
    """Write a number without an exponent and without zeros at its end."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
