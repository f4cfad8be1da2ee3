"""Write a syntax tree as text that reads back the same, and as LaTeX."""

from tutor.grading import rationals
from tutor.grading.syntax import Bin, Call, Mixed, Name, Neg, Node, Num, Relation

_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4
_GREEK = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "θ": r"\theta",
    "λ": r"\lambda", "μ": r"\mu", "σ": r"\sigma", "φ": r"\phi", "ω": r"\omega",
    "ρ": r"\rho", "τ": r"\tau", "pi": r"\pi",
}  # fmt: skip
_TEX_RELATIONS = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne"}


def _level(node: Node) -> int:
    match node:
        case Bin("+" | "-", _, _) | Neg(_):
            return _SUM
        case Bin("*" | "/", _, _):
            return _PRODUCT
        case Bin(_, _, _) | Mixed(_, _, _):
            return _POWER
        case _:
            return _ATOM


def _number(node: Num) -> str:
    return rationals.decimal(node.value) if node.is_decimal else rationals.plain(node.value)


def expression_text(node: Node | Relation) -> str:
    """`2*x + 3`: read again, it gives the same tree."""
    match node:
        case Relation(operator, left, right):
            return f"{expression_text(left)} {operator} {expression_text(right)}"
        case Num():
            return _number(node)
        case Mixed(whole, top, bottom):
            return f"{whole} {top}/{bottom}"
        case Name(name):
            base, _, index = name.partition("_")
            return name if index.isdigit() or len(index) < 2 else f"{base}_{{{index}}}"
        case Neg(argument):
            return f"-{_inner(argument, _PRODUCT)}"
        case Call(function, argument):
            return f"{function}({expression_text(argument)})"
        case Bin("+" | "-" as operator, left, right):
            return f"{_inner(left, _SUM)} {operator} {_inner(right, _PRODUCT)}"
        case Bin("^", left, right):
            return f"{_inner(left, _ATOM)}^{_inner(right, _ATOM)}"
        case Bin(operator, left, right):
            return f"{_inner(left, _PRODUCT)}{operator}{_inner(right, _POWER)}"


def _inner(node: Node, least: int) -> str:
    text = expression_text(node)
    return text if _level(node) >= least else f"({text})"


def expression_tex(node: Node | Relation) -> str:
    r"""`2x+\frac{3}{4}`, as a page shows it."""
    match node:
        case Relation(operator, left, right):
            sign = _TEX_RELATIONS.get(operator, operator)
            return f"{expression_tex(left)} {sign} {expression_tex(right)}"
        case Num():
            return _number(node)
        case Mixed(whole, top, bottom):
            return rf"{whole}\frac{{{top}}}{{{bottom}}}"
        case Name(name):
            base, _, index = name.partition("_")
            return f"{_GREEK.get(base, base)}_{{{index}}}" if index else _GREEK.get(base, base)
        case Neg(argument):
            return f"-{_inner_tex(argument, _PRODUCT)}"
        case Call(function, argument):
            return _call_tex(function, argument)
        case Bin("+" | "-" as operator, left, right):
            return f"{_inner_tex(left, _SUM)} {operator} {_inner_tex(right, _PRODUCT)}"
        case Bin("/", left, right):
            return rf"\frac{{{expression_tex(left)}}}{{{expression_tex(right)}}}"
        case Bin("^", left, right):
            return f"{_inner_tex(left, _ATOM)}^{{{expression_tex(right)}}}"
        case Bin(_, left, right):
            one, other = _inner_tex(left, _PRODUCT), _inner_tex(right, _POWER)
            is_crowded = (
                other[:1].isdigit()
                or other.startswith(r"\frac")
                or (one[-1:].isalpha() and "\\" in one)
            )
            return rf"{one} \cdot {other}" if is_crowded else one + other


def _inner_tex(node: Node, least: int) -> str:
    text = expression_tex(node)
    is_bare = _level(node) >= least and not (least == _ATOM and isinstance(node, Call))
    is_bare = is_bare or (isinstance(node, Bin) and node.operator == "/" and least < _ATOM)
    return text if is_bare else rf"\left({text}\right)"


def _call_tex(function: str, argument: Node) -> str:
    inner = expression_tex(argument)
    if function == "sqrt":
        return rf"\sqrt{{{inner}}}"
    if function == "cbrt":
        return rf"\sqrt[3]{{{inner}}}"
    if function == "abs":
        return rf"\left|{inner}\right|"
    if function == "factorial":
        return f"{_inner_tex(argument, _ATOM)}!"
    return rf"\{function}\left({inner}\right)"
