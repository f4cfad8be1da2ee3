"""Read a number as a learner types it: exact, with how it was written."""

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from tutor.grading import rationals
from tutor.grading.specs import Unreadable
from tutor.grading.typed import length_message, quoted, typed, unwrapped

MAX_DIGITS = 60
MAX_POWER_OF_TEN = 60


class Shape(Enum):
    """How a number was written."""

    WHOLE = "whole"
    DECIMAL = "decimal"
    FRACTION = "fraction"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact number, its shape and its unit. `top` and `bottom` are the fraction as written."""

    value: Fraction
    shape: Shape
    top: int = 0
    bottom: int = 1
    unit: str = ""


_WHOLE = re.compile(r"[+-]?\d{1,60}", re.ASCII)
VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5",
    "⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8",
    "⅝": "5/8", "⅞": "7/8", "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
_VULGAR_SIGN = re.compile("[" + "".join(VULGAR) + "]")
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_LETTER = re.compile(r"[A-Za-z]\s*=\s*")
_CURRENCY = "$€£¥₹¢"
_NUMERAL = r"\d[\d.,' ]*\d|\d|[.,]\d+"
# A unit starts with a letter or a sign that no number holds; "e" before digits is an exponent.
_BODY = re.compile(
    rf"""(?P<sign>[+-]?)\s*(?P<currency>[{_CURRENCY}]?)\s*(?P<inner>[+-]?)\s*
    (?:(?P<whole>\d+)\s+(?:and\s+)?(?P<top1>\d+)\s*/\s*(?P<bottom1>\d+)
    |(?P<top2>[+-]?\d[\d.,' ]*?)\s*/\s*(?P<bottom2>[+-]?\d[\d.,']*)
    |(?P<numeral>{_NUMERAL})(?:\s*(?:e|\*\s*10\s*(?:\^|\*\*)\s*|x\s*10\s*(?:\^|\*\*)\s*)
        (?P<exponent>\(?[+-]?\d+\)?))?)
    \s*(?P<unit>[^\d\s+\-*/^=.,()].*)?""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_LATEX_FRACTION = re.compile(
    r"""(?P<sign>[+-]?)\s*(?P<whole>\d+)?\s*\\[dt]?frac\s*
    (?:\{\s*(?P<top>[+-]?\s*\d+)\s*\}\s*\{\s*(?P<bottom>[+-]?\s*\d+)\s*\}
    |(?P<top1>\d)\s*(?P<bottom1>\d))""",
    re.VERBOSE | re.ASCII,
)


def quantity_read(raw: str) -> Quantity | Unreadable:
    """Read one number with an optional unit or currency sign; never raises."""
    if len(raw) <= 60 and _WHOLE.fullmatch(raw):
        whole = int(raw)
        return Quantity(Fraction(whole), Shape.WHOLE, whole)
    text = typed(raw)
    problem = length_message(text)
    if problem:
        return Unreadable(problem)
    text = unwrapped(text)
    shown = quoted(text)
    text = _LETTER.sub("", text, count=1) if _LETTER.match(text) else text
    if not text:
        return Unreadable(f"We could not read {shown}: nothing follows the equals sign.")
    if "\\" in text:
        text = _delatexed(text)
    text = _VULGAR_SIGN.sub(lambda match: f" {VULGAR[match.group()]}", text).strip()
    if "^" not in text and any(sign in text for sign in "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"):
        text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda m: "^" + m.group().translate(SUPERSCRIPTS), text)
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    if not text:
        return Unreadable(f"We could not read {shown}: it holds no number.")
    if len(text) > 1 and text.endswith(".") and text[-2].isalnum():
        text = text[:-1]
    match = None if text[-1] in "+-*/^=<>" else _BODY.fullmatch(text)
    if match is None:
        return Unreadable(f"We could not read {shown}: {_why(text)}.")
    if sum(sign.isdigit() for sign in text) > MAX_DIGITS:
        return Unreadable(f"We could not read {shown}: it has more than {MAX_DIGITS} digits.")
    found = _measured(match)
    return Unreadable(f"We could not read {shown}: {found}.") if isinstance(found, str) else found


def _measured(match: re.Match[str]) -> Quantity | str:
    if match["sign"] and match["inner"]:
        return "it has two signs"
    sign = -1 if "-" in (match["sign"], match["inner"]) else 1
    unit = (match["unit"] or "").strip()
    if match["currency"]:
        if unit:
            return f"it has two units, {match['currency']} and {quoted(unit)}"
        unit = match["currency"]
    if match["whole"]:
        return _mixed_number(sign, match, unit)
    if match["top2"]:
        return _fraction(sign, match, unit)
    value = numeral_value(match["numeral"])
    if isinstance(value, str):
        return value
    if match["exponent"]:
        exponent = int(match["exponent"].strip("()"))
        if abs(exponent) > MAX_POWER_OF_TEN:
            return f"the power of ten {exponent} is beyond {MAX_POWER_OF_TEN}"
        value *= Fraction(10) ** exponent
    is_whole = match["numeral"].isdigit() or value.denominator == 1
    shape = Shape.WHOLE if is_whole else Shape.DECIMAL
    return Quantity(sign * value, shape, sign * value.numerator, value.denominator, unit)


def _mixed_number(sign: int, match: re.Match[str], unit: str) -> Quantity | str:
    whole, top, bottom = int(match["whole"]), int(match["top1"]), int(match["bottom1"])
    if bottom == 0:
        return "a fraction cannot have 0 below the line"
    if top >= bottom:
        return (
            f"in the mixed number {whole} {top}/{bottom} the part {top}/{bottom} is not below 1; "
            f"for a product write {whole}*({top}/{bottom})"
        )
    value = whole + Fraction(top, bottom)
    return Quantity(sign * value, Shape.MIXED, top, bottom, unit)


def _fraction(sign: int, match: re.Match[str], unit: str) -> Quantity | str:
    top, bottom = numeral_value(match["top2"]), numeral_value(match["bottom2"])
    if isinstance(top, str):
        return top
    if isinstance(bottom, str):
        return bottom
    if bottom == 0:
        return "a fraction cannot have 0 below the line"
    if top.denominator != 1 or bottom.denominator != 1:
        return Quantity(sign * top / bottom, Shape.DECIMAL, 0, 0, unit)
    return Quantity(sign * top / bottom, Shape.FRACTION, sign * int(top), int(bottom), unit)


def numeral_value(text: str) -> Fraction | str:
    """The value of digits with separators, or why they are ambiguous.

    `1,200` and `1 200` are thousands; a comma is a decimal comma only where it can be nothing
    else (`3,5`, `0,125`, `1.200,50`).
    """
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").strip()
    if digits.isdigit():
        return Fraction(sign * int(digits))
    commas, points = digits.count(","), digits.count(".")
    if points == 1 and not commas and " " not in digits and "'" not in digits:
        return sign * Fraction(digits if not digits.endswith(".") else digits[:-1])
    if commas and points:
        decimal_mark = "," if digits.rindex(",") > digits.rindex(".") else "."
    elif commas == 1 and not re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits):
        decimal_mark = ","
    else:
        decimal_mark = "."
    whole, _, rest = digits.partition(decimal_mark)
    groups = re.split(r"[ ,.']", whole)
    separators = set(re.findall(r"[ ,.']", whole))
    if rest and not rest.isdigit():
        return f"the separators in {quoted(digits)} contradict each other"
    if len(groups) > 1 and (
        len(separators) > 1
        or not 1 <= len(groups[0]) <= 3
        or any(len(group) != 3 for group in groups[1:])
    ):
        if " " in separators:
            return f"{quoted(digits)} looks like two numbers; write one, such as 1200"
        return f"the groups of digits in {quoted(digits)} are not thousands; write 1200 or 1,200"
    return sign * Fraction(f"{''.join(groups) or '0'}.{rest or '0'}")


def _delatexed(text: str) -> str:
    text = re.sub(r"\\left|\\right|\\[,;:! ]", "", text)
    text = re.sub(r"\\text\s*\{([^{}]*)\}|\\mathrm\s*\{([^{}]*)\}", r" \1\2", text)
    text = text.replace("\\%", "%").replace("\\$", "$").replace("\\times", "*")

    def written(match: re.Match[str]) -> str:
        top = (match["top"] or match["top1"]).replace(" ", "")
        bottom = (match["bottom"] or match["bottom1"]).replace(" ", "")
        sign = "-" if [match["sign"], top[:1], bottom[:1]].count("-") % 2 else ""
        whole = f"{match['whole']} " if match["whole"] else ""
        return f"{sign}{whole}{top.lstrip('+-')}/{bottom.lstrip('+-')}"

    return _LATEX_FRACTION.sub(written, text.strip()).strip()


def _why(text: str) -> str:
    last = text[-1]
    if not any(sign.isdigit() for sign in text):
        return "it holds no number"
    if last in "+-*/^=<>":
        return "it ends with an operator"
    if "=" in text[:-1]:
        return "write the number alone, or one letter, an equals sign and the number"
    if re.search(r"\d\s*[+*^(<>]|\d\s+-|\d-\d|√|sqrt|\)", text):
        return "write one number, worked out"
    if text.count("/") > 1:
        return "it has more than one fraction line"
    return "it is not one number"


def quantity_text(quantity: Quantity) -> str:
    """One spelling for all that read alike: `3/4`, with the unit."""
    number = rationals.plain(quantity.value)
    return f"{number} {quantity.unit}".rstrip()
