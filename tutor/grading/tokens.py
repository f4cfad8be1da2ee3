"""Split typed mathematics and LaTeX into tokens with their positions."""

import re
from dataclasses import dataclass
from fractions import Fraction

from tutor.grading.quantities import SUPERSCRIPTS, VULGAR, numeral_value
from tutor.grading.syntax import FUNCTIONS

MAX_TOKENS = 200
MAX_DIGITS = 40
OPERATORS = frozenset("+-*/^") | {"=", "<", ">", "<=", ">=", "!="}


class ReadError(Exception):
    """Why a text is not mathematics that we read; the message is for the learner."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is number, vulgar, name, function, power, frac, root or sign."""

    kind: str
    text: str
    value: Fraction = Fraction(0)


_SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"
_SCAN = re.compile(
    rf"""(?P<space>\s+)
    |(?P<number>\d{{1,3}}(?:[ ]\d{{3}})+(?![\d]|[ ]*/)|\d+(?:[.,]\d+)*|\.\d+)
    |(?P<vulgar>[{"".join(VULGAR)}])
    |(?P<power>[{_SUPERSCRIPT}]+)
    |(?P<indexed>[A-Za-zα-ωΑ-Ω]_(?:\{{[A-Za-z0-9]{{1,8}}\}}|\d{{1,8}}|[A-Za-z]))
    |(?P<letters>[A-Za-z]+?(?=[A-Za-z]_)|[A-Za-z]+)|(?P<greek>[α-ωΑ-Ω])
    |(?P<latex>\\[A-Za-z]+|\\.)
    |(?P<root>[√∛])
    |(?P<sign>\*\*|<=|>=|=<|=>|!=|<>|==|[≠-]|[+*/^=<>()\[\]{{}}|!])""",
    re.VERBOSE | re.ASCII,
)
_SPELT = {"**": "^", "=<": "<=", "=>": ">=", "<>": "!=", "==": "=", "≠": "!="}
_LATEX_SIGNS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "le": "<=", "leq": "<=", "leqslant": "<=",
    "ge": ">=", "geq": ">=", "geqslant": ">=", "lt": "<", "gt": ">", "ne": "!=", "neq": "!=",
    "lbrack": "[", "rbrack": "]", "lvert": "|", "rvert": "|", "vert": "|", "{": "{", "}": "}",
}  # fmt: skip
_LATEX_NOTHING = frozenset(
    {"left", "right", "quad", "qquad", "displaystyle", "big", "Big", "bigl", "bigr"}
    | {",", ";", ":", "!", " "}
)
_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "theta": "θ", "lambda": "λ", "mu": "μ",
    "sigma": "σ", "phi": "φ", "omega": "ω", "rho": "ρ", "tau": "τ",
}  # fmt: skip
_LONGEST_FIRST = sorted([*FUNCTIONS, "pi"], key=len, reverse=True)
_UNBRACKETED = frozenset({"sin", "cos", "tan", "ln", "log", "sqrt"})


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text that typed.typed has normalised.

    Raises: ReadError
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _SCAN.match(text, at)
        if match is None:
            raise ReadError(f"we do not know the sign `{text[at].replace('`', ' ')}`")
        at = match.end()
        kind = match.lastgroup or "space"
        if kind != "space":
            _scanned(kind, match.group(), text[at:].lstrip()[:1], found)
        if len(found) > MAX_TOKENS:
            raise ReadError(f"it has more than {MAX_TOKENS} parts")
    return found


def _scanned(kind: str, part: str, following: str, found: list[Token]) -> None:
    if kind == "number":
        found.append(_number(part))
    elif kind == "vulgar":
        found.append(Token("vulgar", VULGAR[part]))
    elif kind == "power":
        digits = part.translate(SUPERSCRIPTS).replace("⁺", "")
        if not digits.lstrip("-").isdigit() or len(digits) > MAX_DIGITS or "-" in digits[1:]:
            raise ReadError(f"`{part}` is not an exponent")
        found.append(Token("power", digits, Fraction(digits)))
    elif kind == "letters":
        found.extend(_letters(part, following))
    elif kind == "indexed":
        found.append(Token("name", part.replace("{", "").replace("}", "")))
    elif kind == "greek":
        found.append(Token("name", "pi" if part == "π" else part))
    elif kind == "latex":
        found.extend(_latex(part[1:], following))
    elif kind == "root":
        found.append(Token("function", "sqrt" if part == "√" else "cbrt"))
    else:
        found.append(Token("sign", _SPELT.get(part, part)))


def _number(part: str) -> Token:
    if sum(sign.isdigit() for sign in part) > MAX_DIGITS:
        raise ReadError(f"it holds a number of more than {MAX_DIGITS} digits")
    value = numeral_value(part)
    if isinstance(value, str):
        raise ReadError(value)
    return Token("number", part, value)


def _letters(run: str, following: str) -> list[Token]:
    found: list[Token] = []
    at, singles = 0, 0
    while at < len(run):
        word = next((word for word in _LONGEST_FIRST if run.startswith(word, at)), "")
        is_called = at + len(word) == len(run) and following in ("(", "{", "[")
        if word == "pi" or (word and (is_called or word in _UNBRACKETED)):
            found.append(Token("name" if word == "pi" else "function", word))
            at += len(word)
            continue
        found.append(Token("name", run[at]))
        singles += 1
        at += 1
    if singles > 3:
        raise ReadError(f"`{run[:40]}` is a word; write one letter for each variable")
    return found


def _latex(command: str, following: str) -> list[Token]:
    if command in _LATEX_NOTHING:
        return []
    if command in _LATEX_SIGNS:
        return [Token("sign", _LATEX_SIGNS[command])]
    if command in ("frac", "dfrac", "tfrac"):
        return [Token("frac", "frac")]
    if command == "sqrt":
        return [Token("root", "sqrt")]
    if command == "pi":
        return [Token("name", "pi")]
    if command in FUNCTIONS:
        return [Token("function", command)]
    if command in _GREEK:
        return [Token("name", _GREEK[command])]
    if command in ("text", "mathrm") and following == "{":
        return []
    raise ReadError(f"we do not know the LaTeX command `\\{command[:20]}`")
