"""Read mathematics as learners type it, and as LaTeX, into a syntax tree.

A recursive-descent parser of our own. Juxtaposition multiplies (`2x`, `2(x+1)`); `3 1/2` is a
mixed number; a leading minus takes the whole product. Every refusal says what was not
understood.
"""

from dataclasses import dataclass
from fractions import Fraction

from tutor.grading.specs import Unreadable
from tutor.grading.syntax import RELATIONS, Bin, Call, Mixed, Name, Neg, Node, Num, Relation
from tutor.grading.tokens import OPERATORS, ReadError, Token, tokens_of
from tutor.grading.typed import length_message, quoted, typed, unwrapped

MAX_DEPTH = 40
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Chain:
    """Expressions joined by relations: `1 < x <= 3` has three sides and two operators."""

    sides: tuple[Node, ...]
    operators: tuple[str, ...]


def expression_read(raw: str, *, is_tight: bool = False) -> Node | Relation | Unreadable:
    """Read an expression, an equation or an inequality; never raises.

    `is_tight` reads `1/2x` as `1/(2x)` rather than `(1/2)x`.
    """
    chain = chain_read(raw, is_tight=is_tight)
    if isinstance(chain, Unreadable):
        return chain
    if not chain.operators:
        return chain.sides[0]
    if len(chain.operators) > 1:
        return _unreadable(raw, "it has more than one equals or inequality sign")
    return Relation(chain.operators[0], chain.sides[0], chain.sides[1])


def chain_read(raw: str, *, is_tight: bool = False) -> Chain | Unreadable:
    """Read expressions joined by any number of relations; never raises."""
    text = typed(raw)
    problem = length_message(text)
    if problem:
        return Unreadable(problem)
    try:
        return _Parser(tokens_of(unwrapped(text)), is_tight=is_tight).chain()
    except ReadError as error:
        return _unreadable(text, str(error))


def _unreadable(text: str, why: str) -> Unreadable:
    return Unreadable(f"We could not read {quoted(typed(text))}: {why}.")


class _Parser:
    def __init__(self, tokens: list[Token], *, is_tight: bool) -> None:
        self.tokens = tokens
        self.is_tight = is_tight
        self.at = 0
        self.depth = 0
        self.bars = 0

    def peek(self, ahead: int = 0) -> Token | None:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    def sign(self, ahead: int = 0) -> str:
        token = self.peek(ahead)
        return token.text if token is not None and token.kind == "sign" else ""

    def kind(self, ahead: int = 0) -> str:
        token = self.peek(ahead)
        return token.kind if token is not None else ""

    def take(self, *signs: str) -> str:
        found = self.sign()
        if found and found in signs:
            self.at += 1
            return found
        return ""

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ReadError(f"it is nested more than {MAX_DEPTH} deep")

    def chain(self) -> Chain:
        if not self.tokens:
            raise ReadError("it is empty")
        sides = [self.sum()]
        operators = []
        while operator := self.take(*RELATIONS):
            operators.append(operator)
            sides.append(self.sum())
        if self.at < len(self.tokens):
            raise ReadError(self.unexpected())
        return Chain(tuple(sides), tuple(operators))

    def unexpected(self) -> str:
        token = self.tokens[self.at]
        if token.text in (")", "]", "}"):
            return f"a bracket `{token.text}` closes that was not opened"
        if token.kind in ("number", "vulgar"):
            return self.crowded(token)
        return f"`{token.text}` is not expected there"

    def crowded(self, token: Token) -> str:
        before = self.tokens[self.at - 1]
        if before.kind in ("number", "vulgar"):
            return (
                f"the numbers {before.text} and {token.text} stand side by side; "
                "write an operator between them"
            )
        base, number = before.text, token.text
        return f"`{number}` follows `{base}`; write `{base}*{number}` or `{base}^{number}`"

    def sum(self) -> Node:
        self.deeper()
        start = self.take("+", "-")
        left = self.product()
        if start == "-":
            left = Neg(left)
        while operator := self.take("+", "-"):
            left = Bin(operator, left, self.product())
        self.depth -= 1
        return left

    def product(self) -> Node:
        left = self.signed()
        while True:
            operator = self.take("*", "/")
            if operator:
                right = self.signed()
                while self.is_tight and operator == "/" and self.starts_factor():
                    right = Bin("*", right, self.power())
                left = Bin(operator, left, right)
            elif self.starts_factor():
                left = Bin("*", left, self.power())
            else:
                return left

    def starts_factor(self) -> bool:
        kind, sign = self.kind(), self.sign()
        if kind in ("number", "vulgar"):
            raise ReadError(self.unexpected())
        return kind in ("name", "function", "frac", "root") or (
            sign in ("(", "[", "{") or (sign == "|" and not self.bars)
        )

    def signed(self) -> Node:
        if not (sign := self.take("+", "-")):
            return self.power()
        self.deeper()
        inner = self.signed()
        self.depth -= 1
        return Neg(inner) if sign == "-" else inner

    def power(self) -> Node:
        base = self.postfix()
        if not self.take("^"):
            return base
        self.deeper()
        exponent = self.exponent()
        self.depth -= 1
        return Bin("^", base, exponent)

    def exponent(self) -> Node:
        if sign := self.take("+", "-"):
            self.deeper()
            inner = self.exponent()
            self.depth -= 1
            return Neg(inner) if sign == "-" else inner
        return self.power()

    def postfix(self) -> Node:
        node = self.primary()
        while True:
            token = self.peek()
            if token is not None and token.kind == "power":
                self.at += 1
                size = Num(abs(token.value))
                node = Bin("^", node, Neg(size) if token.value < 0 else size)
            elif self.take("!"):
                node = Call("factorial", node)
            else:
                return node

    def primary(self) -> Node:
        token = self.peek()
        if token is None:
            raise ReadError(self.ended())
        self.at += 1
        if token.kind == "number":
            return self.number(token)
        if token.kind == "vulgar":
            return _vulgar(token)
        if token.kind == "name":
            return Name(token.text)
        if token.kind == "frac":
            top = self.group()
            return Bin("/", top, self.group())
        if token.kind == "root":
            return self.root()
        if token.kind == "function":
            return self.called(token.text)
        if token.text == "|":
            return self.absolute()
        if token.text in _CLOSING:
            return self.bracketed(token.text)
        raise ReadError(self.misplaced(token))

    def ended(self) -> str:
        last = self.tokens[-1]
        if last.text in OPERATORS:
            return "it ends with an operator"
        return f"it ends after `{last.text}`"

    def misplaced(self, token: Token) -> str:
        before = self.tokens[self.at - 2] if self.at > 1 else None
        if token.text in (")", "]", "}"):
            if before is not None and before.text in _CLOSING:
                return "a pair of brackets is empty"
            if before is not None and before.text in OPERATORS:
                return f"nothing stands between `{before.text}` and `{token.text}`"
            return f"a bracket `{token.text}` closes that was not opened"
        if before is None:
            return f"it begins with `{token.text}`"
        return f"`{token.text}` follows `{before.text}`"

    def number(self, token: Token) -> Node:
        value = token.value
        plain = Num(value, value.denominator != 1)
        if plain.is_decimal:
            return plain
        following = self.peek()
        if following is None:
            return plain
        if following.kind == "vulgar":
            self.at += 1
            top, bottom = following.text.split("/")
            return Mixed(int(value), int(top), int(bottom))
        parts = self.fraction_ahead(following)
        if parts is None:
            return plain
        length, top_value, bottom_value = parts
        if top_value >= bottom_value:
            if following.kind == "frac":
                return plain
            raise ReadError(
                f"in {token.text} {top_value}/{bottom_value} the fraction is not below 1; for a "
                f"product write {token.text}*({top_value}/{bottom_value})"
            )
        self.at += length
        return Mixed(int(value), top_value, bottom_value)

    def fraction_ahead(self, following: Token) -> tuple[int, int, int] | None:
        # `3 1/2` and 3\frac{1}{2} are mixed numbers; 3\frac{x}{2} is a product.
        if following.kind == "number" and self.sign(1) == "/" and self.kind(2) == "number":
            top, bottom, length = following, self.peek(2), 3
        elif (
            following.kind == "frac"
            and [self.sign(n) for n in (1, 3, 4, 6)] == ["{", "}", "{", "}"]
            and (self.kind(2), self.kind(5)) == ("number", "number")
        ):
            top, bottom, length = self.peek(2) or following, self.peek(5), 7
        else:
            return None
        if bottom is None or top.value.denominator != 1 or bottom.value.denominator != 1:
            return None
        return length, int(top.value), int(bottom.value)

    def group(self) -> Node:
        opening = self.take("{")
        if opening:
            return self.bracketed(opening)
        token = self.peek()
        if token is None:
            raise ReadError("a fraction lacks a part")
        if token.kind == "number" and token.text.isdigit() and len(token.text) > 1:
            # \frac34: LaTeX takes one digit for each part.
            first, rest = token.text[0], token.text[1:]
            self.tokens[self.at] = Token("number", rest, Fraction(rest))
            return Num(Fraction(first))
        self.at += 1
        if token.kind == "number":
            return Num(token.value, token.value.denominator != 1)
        if token.kind == "name":
            return Name(token.text)
        raise ReadError(f"`{token.text}` is not a part of a fraction")

    def root(self) -> Node:
        if self.take("["):
            degree = self.peek()
            if degree is None or degree.text not in ("2", "3"):
                raise ReadError("we read square roots and cube roots only")
            self.at += 1
            if not self.take("]"):
                raise ReadError("a bracket `[` is not closed")
            return Call("cbrt" if degree.text == "3" else "sqrt", self.group())
        return Call("sqrt", self.group())

    def called(self, function: str) -> Node:
        opening = self.take("(", "[", "{")
        if opening:
            return Call(function, self.bracketed(opening))
        if function in ("abs", "exp", "factorial"):
            raise ReadError(f"`{function}` needs brackets: {function}(x)")
        self.deeper()
        argument = self.primary()
        self.depth -= 1
        return Call(function, argument)

    def absolute(self) -> Node:
        self.bars += 1
        inner = self.sum()
        self.bars -= 1
        if not self.take("|"):
            raise ReadError("a bar `|` is not closed")
        return Call("abs", inner)

    def bracketed(self, opening: str) -> Node:
        bars, self.bars = self.bars, 0
        inner = self.sum()
        self.bars = bars
        if not self.take(_CLOSING[opening]):
            if self.at >= len(self.tokens):
                raise ReadError(f"a bracket `{opening}` is not closed")
            raise ReadError(self.unexpected())
        return inner


def _vulgar(token: Token) -> Node:
    top, bottom = token.text.split("/")
    return Bin("/", Num(Fraction(top)), Num(Fraction(bottom)))
