"""Read sets of numbers: `[-3, 5)`, `x >= 2`, `-3 <= x < 5`, `x < 1 or x > 4`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from tutor.grading import rationals
from tutor.grading.exact import UndefinedError, constant_value
from tutor.grading.reading import Chain, chain_read, expression_read
from tutor.grading.specs import Unreadable
from tutor.grading.syntax import Name, Node, Relation
from tutor.grading.typed import length_message, quoted, typed, unwrapped, words

MAX_PIECES = 20
_INFINITY = re.compile(r"([+-]?)\s*(?:inf|infinity|oo)", re.IGNORECASE)
_ALL = frozenset({"all real numbers", "all reals", "all numbers", "r"})
_NONE = frozenset({"no solution", "no solutions", "empty set", "the empty set", "{}", "none"})
_OPENING, _CLOSING = "([]", ")]["


@dataclass(frozen=True, slots=True)
class Piece:
    """The numbers from `low` to `high`; None is infinity. A closed end belongs to the set."""

    low: Fraction | None
    high: Fraction | None
    is_low_closed: bool = False
    is_high_closed: bool = False

    @property
    def is_empty(self) -> bool:
        """No number lies in it."""
        if self.low is None or self.high is None:
            return False
        both_closed = self.is_low_closed and self.is_high_closed
        return self.low > self.high or (self.low == self.high and not both_closed)


class _ReadError(Exception):
    """Why a text is not a set of numbers; the message is for the learner."""


def intervals_read(raw: str) -> tuple[Piece, ...] | Unreadable:
    """The set as separate pieces in rising order; never raises."""
    text = typed(raw)
    problem = length_message(text)
    if problem:
        return Unreadable(problem)
    shown, text = quoted(text), _spelt(unwrapped(text))
    plain = words(text)
    if plain in _ALL:
        return (Piece(None, None),)
    if plain in _NONE:
        return ()
    try:
        letters: set[str] = set()
        found: list[Piece] = []
        parts = re.split(r"\bor\b|\bU\b|,\s*(?=[A-Za-z]\s*[<>])", text)
        if len(parts) > MAX_PIECES:
            raise _ReadError(f"it has more than {MAX_PIECES} parts")
        for part in parts:
            found.extend(_conjunction(part, letters))
        if len(letters) > 1:
            raise _ReadError(f"it has more than one letter ({', '.join(sorted(letters))})")
        return _joined(found)
    except _ReadError as error:
        return Unreadable(f"We could not read {shown}: {error}.")


def _spelt(text: str) -> str:
    text = re.sub(r"\\(?:left|right)(?![A-Za-z])", "", text)
    text = re.sub(r"\\infty(?![A-Za-z])|∞", "inf", text)
    text = re.sub(r"\\cup(?![A-Za-z])|∪", " or ", text)
    text = text.replace("\\mathbb{R}", "R").replace("ℝ", "R").replace("∅", "{}")
    return re.sub(r"\\emptyset|\\varnothing", "{}", text)


def _conjunction(text: str, letters: set[str]) -> list[Piece]:
    parts = [_single(part.strip(), letters) for part in re.split(r"\band\b", text)]
    result = parts[0]
    for other in parts[1:]:
        result = [_overlap(one, two) for one in result for two in other]
    return [piece for piece in result if not piece.is_empty]


def _single(text: str, letters: set[str]) -> list[Piece]:
    if not text:
        raise _ReadError("a part is empty")
    if text[0] in _OPENING and not re.search(r"[<>=]", text):
        if text[-1] not in _CLOSING:
            raise _ReadError(f"the bracket `{text[0]}` is not closed")
        return [_bracketed(text)]
    if _INFINITY.search(text):
        raise _ReadError("infinity stands in intervals only, such as (2, inf)")
    chain = chain_read(text)
    if isinstance(chain, Unreadable):
        reason = chain.message.partition(": ")[2].rstrip(".")
        raise _ReadError(reason or "it is neither an interval nor an inequality")
    return _inequality(chain, letters)


def _bracketed(text: str) -> Piece:
    inner = text[1:-1]
    mark = ";" if ";" in inner else ","
    parts = inner.split(mark)
    if len(parts) != 2:
        raise _ReadError(f"an interval has two ends, such as [-3, 5); this has {len(parts)}")
    low, high = _end(parts[0].strip()), _end(parts[1].strip())
    is_low_closed, is_high_closed = text[0] == "[", text[-1] == "]"
    if low == "inf" or high == "-inf":
        raise _ReadError("the smaller end comes first")
    if (low == "-inf" and is_low_closed) or (high == "inf" and is_high_closed):
        raise _ReadError("infinity never belongs to an interval; write a round bracket beside it")
    bottom = low if isinstance(low, Fraction) else None
    top = high if isinstance(high, Fraction) else None
    if bottom is not None and top is not None and bottom > top:
        raise _ReadError("the smaller end comes first")
    return Piece(bottom, top, is_low_closed, is_high_closed)


def _end(text: str) -> Fraction | str:
    match = _INFINITY.fullmatch(text)
    if match:
        return "-inf" if match.group(1) == "-" else "inf"
    found = expression_read(text)
    if isinstance(found, Unreadable):
        raise _ReadError(f"{quoted(text)} is not a number")
    if isinstance(found, Relation):
        raise _ReadError(f"{quoted(text)} is not a number")
    return _constant(found, text)


def _constant(node: Node, text: str) -> Fraction:
    try:
        value = constant_value(node)
    except UndefinedError:
        raise _ReadError("it divides by zero") from None
    if value is None:
        raise _ReadError(f"{quoted(text)} is not a number that we can place on a line")
    return value


def _inequality(chain: Chain, letters: set[str]) -> list[Piece]:
    if not chain.operators:
        raise _ReadError("write an interval such as [-3, 5), or an inequality such as x >= 2")
    places = [place for place, side in enumerate(chain.sides) if isinstance(side, Name)]
    if len(places) != 1 or len(chain.sides) > 3 or (len(chain.sides) == 3 and places != [1]):
        raise _ReadError("write one letter, alone, and compare it with numbers")
    place = places[0]
    name = chain.sides[place]
    if isinstance(name, Name):
        letters.add(name.name)
    pieces = [Piece(None, None)]
    directions = set()
    for index, operator in enumerate(chain.operators):
        other = chain.sides[index + 1 if place == index else index]
        is_letter_left = place == index
        directions.add(operator[0])
        value = _constant(other, "that side")
        pieces = [
            _overlap(one, two) for one in pieces for two in _half(operator, value, is_letter_left)
        ]
    if len(directions) > 1:
        raise _ReadError("the signs of a double inequality point the same way, as in 1 < x < 5")
    return pieces


def _half(operator: str, value: Fraction, is_letter_left: bool) -> list[Piece]:
    if operator == "=":
        return [Piece(value, value, True, True)]
    if operator == "!=":
        return [Piece(None, value), Piece(value, None)]
    is_closed = operator.endswith("=")
    is_upper = (operator[0] == "<") == is_letter_left
    return [Piece(None, value, False, is_closed) if is_upper else Piece(value, None, is_closed)]


def _overlap(one: Piece, other: Piece) -> Piece:
    low, is_low_closed = one.low, one.is_low_closed
    if other.low is not None and (low is None or other.low >= low):
        is_low_closed = other.is_low_closed and (other.low != low or is_low_closed)
        low = other.low
    high, is_high_closed = one.high, one.is_high_closed
    if other.high is not None and (high is None or other.high <= high):
        is_high_closed = other.is_high_closed and (other.high != high or is_high_closed)
        high = other.high
    return Piece(low, high, is_low_closed, is_high_closed)


def _joined(pieces: list[Piece]) -> tuple[Piece, ...]:
    result: list[Piece] = []
    ordered = sorted(
        (piece for piece in pieces if not piece.is_empty),
        key=lambda piece: (
            piece.low is not None,
            piece.low or Fraction(0),
            not piece.is_low_closed,
        ),
    )
    for piece in ordered:
        last = result[-1] if result else None
        if last is None or not _touches(last, piece):
            result.append(piece)
            continue
        high, is_closed = last.high, last.is_high_closed
        if high is not None and (piece.high is None or piece.high >= high):
            is_closed = piece.is_high_closed or (piece.high == high and is_closed)
            high = piece.high
        result[-1] = Piece(last.low, high, last.is_low_closed, is_closed)
    return tuple(result)


def _touches(one: Piece, other: Piece) -> bool:
    if one.high is None or other.low is None or other.low < one.high:
        return True
    return other.low == one.high and (one.is_high_closed or other.is_low_closed)


def set_text(pieces: tuple[Piece, ...]) -> str:
    """`[-3, 5) or (7, inf)`; reads back the same."""
    if not pieces:
        return "no solution"
    return " or ".join(_piece_text(piece, rationals.plain, "inf") for piece in pieces)


def set_tex(pieces: tuple[Piece, ...]) -> str:
    r"""`[-3, 5) \cup (7, \infty)`."""
    if not pieces:
        return r"\emptyset"
    return r" \cup ".join(_piece_text(piece, rationals.tex, r"\infty") for piece in pieces)


def _piece_text(piece: Piece, number: Callable[[Fraction], str], infinity: str) -> str:
    low = f"-{infinity}" if piece.low is None else number(piece.low)
    high = infinity if piece.high is None else number(piece.high)
    opening = "[" if piece.is_low_closed else "("
    return f"{opening}{low}, {high}{']' if piece.is_high_closed else ')'}"
