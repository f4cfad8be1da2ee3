"""Canvas's formula questions to problems with variables, proved on the file's own variants."""

import re
from decimal import Decimal
from xml.etree.ElementTree import Element

from tutor.content.bundles import Document
from tutor.content.decimals import decimal_read, decimal_write
from tutor.content.quizzes import Unsupported
from tutor.content.xml_reading import all_of, first_of, text_below
from tutor.grading.errors import TemplateError
from tutor.grading.variants import document_render

MAX_SCALE = 6
MAX_DRAWS_PROVED = 200
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*|\.\d+)|([A-Za-z_]\w*)|(\*\*|[-+*/^(),]))")
_FUNCTIONS = frozenset({"abs", "min", "max", "floor", "ceil", "gcd", "lcm"})


def formula_convert(calculated: Element, prompt: str) -> Document:
    """Make a templated problem; `prompt` is Markdown with `[x]` for each variable.

    Raises:
        Unsupported: when a formula, a range or one of the file's variants cannot be had.
    """
    variables, shown = _variables(calculated)
    places, formulas = _formulas(calculated)
    for name, expression in formulas[:-1]:
        variables[name] = {"kind": "computed", "expression": expression}
    expression = formulas[-1][1]
    answer: Document = {
        "kind": "number",
        "value": f"@{{round({expression}, {places}):decimal{places}}}",
    }
    answer |= _tolerance(text_below(first_of(calculated, "answer_tolerance")))
    for name, template in shown.items():
        # Markdown has escaped the brackets, but not those inside formulas.
        prompt = prompt.replace(f"\\[{name}\\]", template).replace(f"[{name}]", template)
    _prove(calculated, variables, str(answer["value"]), set(shown))
    return {"variables": variables, "steps": [{"prompt": prompt, "answer": answer}]}


def _variables(calculated: Element) -> tuple[Document, dict[str, str]]:
    """The variables, and the template that shows each."""
    variables: Document = {}
    shown: dict[str, str] = {}
    holder = first_of(calculated, "vars")
    for node in all_of(holder, "var") if holder is not None else ():
        name = node.get("name", "")
        low = decimal_read(text_below(first_of(node, "min")))
        high = decimal_read(text_below(first_of(node, "max")))
        scale = node.get("scale", "0")
        if not scale.isdigit() or int(scale) > MAX_SCALE or low > high:
            raise Unsupported(f"the variable {name!r} has a range or scale that cannot be drawn")
        factor = 10 ** int(scale)
        bounds = {"min": int(low * factor), "max": int(high * factor)}
        if factor == 1:
            variables[name] = {"kind": "integer", **bounds}
            shown[name] = f"@{{{name}}}"
        else:
            variables[f"{name}_whole"] = {"kind": "integer", **bounds}
            expression = f"{name}_whole / {factor}"
            variables[name] = {"kind": "computed", "expression": expression}
            shown[name] = f"@{{{name}:decimal{scale}}}"
    if not variables:
        raise Unsupported("its formula has no variable")
    return variables, shown


def _formulas(calculated: Element) -> tuple[int, list[tuple[str, str]]]:
    """Decimal places, and (name, expression) of each formula; the last gives the answer."""
    holder = first_of(calculated, "formulas")
    texts = [text_below(node) for node in all_of(holder, "formula")] if holder is not None else []
    places = holder.get("decimal_places", "0") if holder is not None else "0"
    if not texts or not places.isdigit() or int(places) > MAX_SCALE:
        raise Unsupported("its formula or its decimal places are not there")
    formulas = []
    for text in texts:
        name, equals, expression = text.rpartition("=")
        formulas.append((name.strip() if equals else "", _expression(expression)))
    if any(not name for name, _ in formulas[:-1]):
        raise Unsupported(f"its formulas {texts!r} do not name their results")
    return int(places), formulas


def _expression(text: str) -> str:
    """A formula in the bundle's arithmetic."""
    pieces: list[str] = []
    at, bare = 0, text.strip()
    while at < len(bare):
        found = _TOKEN.match(bare, at)
        if found is None:
            raise Unsupported(f"its formula {text!r} cannot be read at {bare[at:][:20]!r}")
        at = found.end()
        is_call = bare[at:].lstrip().startswith("(")
        if found[2] and is_call and found[2] not in _FUNCTIONS:
            raise Unsupported(f"its formula uses {found[2]!r}, which has no counterpart here")
        pieces.append(found[0].strip().replace("^", "**"))
    if not pieces:
        raise Unsupported("its formula is empty")
    return " ".join(pieces)


def _tolerance(text: str) -> Document:
    if text.endswith("%"):
        return {"relative_tolerance": decimal_write(decimal_read(text[:-1]) / 100)}
    tolerance = decimal_read(text) if text else Decimal(0)
    return {"tolerance": decimal_write(tolerance)} if tolerance else {}


def _prove(calculated: Element, variables: Document, value: str, names: set[str]) -> None:
    """Work out every variant of the file by our arithmetic; all must agree."""
    computed = {
        name: rule
        for name, rule in variables.items()
        if name not in names and not name.endswith("_whole")
    }
    holder = first_of(calculated, "var_sets")
    sets = list(all_of(holder, "var_set")) if holder is not None else []
    for given in sets[:MAX_DRAWS_PROVED]:
        fixed: Document = {}
        for node in all_of(given, "var"):
            number = decimal_write(decimal_read(text_below(node)))
            fixed[node.get("name", "")] = {"kind": "computed", "expression": f"({number})"}
        expected = decimal_read(text_below(first_of(given, "answer")))
        try:
            drawn = document_render({"variables": fixed | computed, "value": value}, 0)
        except TemplateError as error:
            raise Unsupported(f"its formula cannot be worked out: {error}") from None
        if decimal_read(str(drawn["value"])) != expected:
            raise Unsupported(
                f"its formula gives {drawn['value']} where the file says {decimal_write(expected)}"
            )
