"""Many problems from one: variables, constraints and `@{expression:format}` templates."""

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from tutor.grading import rationals
from tutor.grading.arithmetic import (
    RESERVED,
    Number,
    Result,
    Value,
    compiled,
    evaluate,
    names_used,
)
from tutor.grading.errors import TemplateError

MAX_DRAWS = 1000
# Letters of expressions that one variant may cost, about a third of a second: long ones are given
# fewer draws. The demo course needs at most a tenth of it.
MAX_LETTERS = 250_000
MAX_VARIABLES = 40
MAX_MAGNITUDE = 10**12
_MASK = (1 << 64) - 1
# Keys whose strings are names or rules, not text that a learner reads.
_VERBATIM = frozenset(
    {"id", "kind", "form", "lesson", "skills", "depends_on", "misconception"}
    | {"licence", "attribution", "variables", "constraints", "order"}
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_FORMATS = "tex, mixed, mixedtex, decimal, decimal0 to decimal9, signed, coefficient"


def variant_draw(
    variables: Mapping[str, object], constraints: Sequence[str] = (), *, seed: int
) -> Mapping[str, Value]:
    """Draw values that meet every constraint; the same seed gives the same values for ever.

    Raises: TemplateError when a definition is wrong or 1,000 draws in a row fail, fewer where the
        expressions are longer than 250 letters in all.
    """
    if not variables:
        return {}
    if len(variables) > MAX_VARIABLES:
        raise TemplateError(f"{len(variables)} variables, at most {MAX_VARIABLES} are allowed")
    for name in variables:
        if not _NAME.fullmatch(name) or name in RESERVED:
            raise TemplateError(f"{name!r} cannot name a variable; use letters, digits and _")
    numbers = _Splitmix(seed)
    order = _drawing_order(variables)
    n_draws = _draws_allowed(variables, constraints)
    for _ in range(n_draws):
        values: dict[str, Value] = {}
        for name in order:
            values[name] = _drawn(name, variables[name], values, numbers)
        if all(_holds(constraint, values) for constraint in constraints):
            return values
    raise TemplateError(
        f"the constraints {list(constraints)} failed {n_draws} draws in a row; "
        "widen the variables or ask for less"
    )


def _draws_allowed(variables: Mapping[str, object], constraints: Sequence[str]) -> int:
    letters = sum(map(len, constraints))
    for definition in variables.values():
        expression = definition.get("expression") if isinstance(definition, Mapping) else None
        letters += len(expression) if isinstance(expression, str) else 0
    return max(1, min(MAX_DRAWS, MAX_LETTERS // max(1, letters)))


def template_render(text: str, values: Mapping[str, Value]) -> str:
    """Replace every `@{expression:format}`; `@@{` becomes a literal `@{`.

    Raises: TemplateError naming the template expression.
    """
    if "@{" not in text:
        return text
    pieces = []
    for literal, expression in _pieces(text):
        pieces.append(literal)
        if expression is not None:
            pieces.append(_rendered(expression, values))
    return "".join(pieces)


def template_names(text: str) -> frozenset[str]:
    """The variables that the templates of a text mention.

    Raises: TemplateError naming the template expression.
    """
    names: set[str] = set()
    for _, expression in _pieces(text):
        if expression is not None:
            source, _ = _split_format(expression)
            try:
                names |= names_used(source)
            except TemplateError as error:
                raise TemplateError(f"in the template @{{{expression}}}: {error}") from None
    return frozenset(names)


def document_render(problem_document: Mapping[str, object], seed: int) -> dict[str, object]:
    """The whole problem for a seed: every text and answer with its templates replaced.

    Keys and ids stay; `variables` and `constraints` stay as they are written. A problem
    without templates comes back equal to itself.

    Raises: TemplateError
    """
    variables = problem_document.get("variables") or {}
    constraints = problem_document.get("constraints") or []
    if not isinstance(variables, Mapping):
        raise TemplateError(f"variables is {variables!r}, expected an object")
    if not isinstance(constraints, list) or not all(isinstance(c, str) for c in constraints):
        raise TemplateError(f"constraints is {constraints!r}, expected a list of expressions")
    values = variant_draw(variables, constraints, seed=seed)
    rendered = _walked(problem_document, values)
    if not isinstance(rendered, dict):
        raise TemplateError(f"the problem is {problem_document!r}, expected an object")
    return rendered


def _walked(node: object, values: Mapping[str, Value]) -> object:
    if isinstance(node, str):
        return template_render(node, values)
    if isinstance(node, list):
        return [_walked(child, values) for child in node]
    if isinstance(node, Mapping):
        return {
            key: child if key in _VERBATIM else _walked(child, values)
            for key, child in node.items()
        }
    return node


class _Splitmix:
    """A small generator that gives the same numbers on every Python version.

    Source: Steele, Lea, Flood (2014), "Fast splittable pseudorandom number generators".
    """

    def __init__(self, seed: int) -> None:
        self.state = seed & _MASK

    def below(self, count: int) -> int:
        # Reject the uneven tail, so that every value is equally likely.
        limit = (_MASK + 1) // count * count
        while True:
            self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK
            mixed = self.state
            mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
            mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
            mixed ^= mixed >> 31
            if mixed < limit:
                return mixed % count


def _drawing_order(variables: Mapping[str, object]) -> list[str]:
    """Drawn variables by name, then computed ones as soon as what they need is there.

    Never the order of the keys: PostgreSQL's jsonb does not keep it, and a stored seed must give
    the same variant wherever the problem is read from.
    """
    needs: dict[str, frozenset[str]] = {}
    order = []
    for name in sorted(variables):
        definition = variables[name]
        expression = definition.get("expression") if isinstance(definition, Mapping) else None
        if isinstance(expression, str):
            try:
                needs[name] = names_used(expression) & variables.keys()
            except TemplateError as error:
                raise TemplateError(f"the variable {name!r}, {expression!r}: {error}") from None
        else:
            order.append(name)
    while needs:
        ready = [name for name, needed in needs.items() if needed <= set(order)]
        # Variables that need each other: drawing the first will say which one is not there.
        for name in ready or list(needs):
            order.append(name)
            del needs[name]
    return order


def _drawn(name: str, definition: object, values: Mapping[str, Value], numbers: _Splitmix) -> Value:
    if not isinstance(definition, Mapping):
        raise TemplateError(f"the variable {name!r} is {definition!r}, expected an object")
    kind = definition.get("kind")
    if kind == "integer":
        return Number(Fraction(_drawn_whole(name, definition, numbers)))
    if kind == "choice":
        options = definition.get("values")
        if not isinstance(options, list) or not options:
            raise TemplateError(f"the variable {name!r} has values {options!r}, expected a list")
        return _constant(name, options[numbers.below(len(options))])
    if kind == "computed":
        expression = definition.get("expression")
        if not isinstance(expression, str):
            raise TemplateError(f"the variable {name!r} has expression {expression!r}, not a text")
        value = evaluate(expression, values)
        if isinstance(value, bool):
            raise TemplateError(f"the variable {name!r} is a claim ({expression}), not a value")
        return value
    raise TemplateError(
        f"the variable {name!r} has kind {kind!r}, expected integer, choice or computed"
    )


def _drawn_whole(name: str, definition: Mapping[str, object], numbers: _Splitmix) -> int:
    least = _whole(name, "min", definition.get("min"))
    most = _whole(name, "max", definition.get("max"))
    step = _whole(name, "step", definition.get("step", 1))
    excluded = definition.get("exclude", [])
    if step < 1:
        raise TemplateError(f"the variable {name!r} has step {step}, expected 1 or more")
    if not isinstance(excluded, list):
        raise TemplateError(f"the variable {name!r} has exclude {excluded!r}, expected a list")
    span = range(least, most + 1, step)
    banned = sorted({value for value in excluded if isinstance(value, int) and value in span})
    count = len(span) - len(banned)
    if count < 1:
        raise TemplateError(f"the variable {name!r} has no value from {least} to {most}")
    value = span[numbers.below(count)]
    for other in banned:
        if other <= value:
            value += step
    return value


def _whole(name: str, key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_MAGNITUDE:
        raise TemplateError(f"the variable {name!r} has {key} {value!r}, expected a whole number")
    return value


def _constant(name: str, value: object) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Number(Fraction(value))
    if isinstance(value, float):
        try:
            # repr is the shortest text of the float: 0.1 stays one tenth.
            return Number(Fraction(repr(value)), is_decimal=True)
        except ValueError:
            pass
    raise TemplateError(f"the variable {name!r} has the value {value!r}, not a number or a text")


def _holds(constraint: str, values: Mapping[str, Value]) -> bool:
    result = evaluate(constraint, values)
    if not isinstance(result, bool):
        raise TemplateError(f"the constraint {constraint!r} is neither true nor false")
    return result


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
    at = 0
    while (start := text.find("@{", at)) >= 0:
        if start > at and text[start - 1] == "@":
            yield text[at : start - 1] + "@{", None
            at = start + 2
            continue
        end = _closing(text, start + 2)
        yield text[at:start], text[start + 2 : end]
        at = end + 1
    yield text[at:], None


def _closing(text: str, at: int) -> int:
    quote = ""
    for index in range(at, len(text)):
        sign = text[index]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "}":
            return index
    raise TemplateError(f"the template {text[at - 2 : at + 40]!r} has no closing brace")


def _split_format(expression: str) -> tuple[str, str]:
    quote = ""
    for index, sign in enumerate(expression):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign == ":":
            return expression[:index], expression[index + 1 :].strip()
    return expression, ""


def _rendered(expression: str, values: Mapping[str, Value]) -> str:
    source, style = _split_format(expression)
    try:
        return _formatted(compiled(source)(values), style)
    except TemplateError as error:
        raise TemplateError(f"in the template @{{{expression}}}: {error}") from None


def _formatted(value: Result, style: str) -> str:
    if isinstance(value, bool):
        raise TemplateError("it is a claim (true or false), not a value")
    if isinstance(value, str):
        if style:
            raise TemplateError(f"the format {style!r} is for numbers, {value!r} is a text")
        return value
    exact = value.value
    shown = rationals.decimal(exact) if value.is_decimal else rationals.plain(exact)
    simple = {"": lambda: shown, "tex": lambda: shown if value.is_decimal else rationals.tex(exact)}
    if style in simple:
        return simple[style]()
    if style == "mixed":
        return rationals.mixed(exact)
    if style == "mixedtex":
        return rationals.mixed_tex(exact)
    if style == "decimal":
        return rationals.decimal(exact)
    if style[:-1] == "decimal" and style[-1].isdecimal() and style[-1].isascii():
        return rationals.decimal(exact, int(style[-1]))
    if style == "signed":
        return rationals.signed(exact, shown)
    if style == "coefficient":
        return rationals.coefficient(exact, shown)
    raise TemplateError(f"there is no format {style!r}; there are {_FORMATS}")
