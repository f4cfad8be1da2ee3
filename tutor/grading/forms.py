"""The forms that an expression may be asked for in, seen from its tree."""

from tutor.grading.exact import UndefinedError, ratio_of
from tutor.grading.syntax import Bin, Call, Name, Neg, Node, Num, Relation


def is_expanded(node: Node) -> bool:
    """Whether brackets are multiplied out and like terms are put together.

    A single fraction is expanded when both of its parts are.
    """
    if isinstance(node, Bin) and node.operator == "/":
        return is_expanded(node.left) and is_expanded(node.right)
    terms = _terms(node)
    if any(_holds_sum(term) for term in terms):
        return False
    try:
        ratio = ratio_of(node)
    except UndefinedError:
        return False
    # A constant denominator is part of the coefficients; another one leaves terms as written.
    if ratio is None or len(ratio.bottom) != 1 or () not in ratio.bottom:
        return True
    return len(terms) <= max(len(ratio.top), 1)


def _terms(node: Node) -> list[Node]:
    match node:
        case Bin("+" | "-", left, right):
            return _terms(left) + _terms(right)
        case Neg(argument):
            return _terms(argument)
        case _:
            return [node]


def _holds_sum(node: Node) -> bool:
    match node:
        case Bin("+" | "-", _, _):
            return True
        case Bin("*", left, right):
            return _holds_sum(left) or _holds_sum(right)
        case Bin("/", left, right):
            # (x + 2)/3 stands for two terms; 1/(x + 2) cannot be multiplied out.
            return _holds_sum(left) or (_holds_sum(right) and isinstance(left, Bin))
        case Bin("^", left, Num()):
            return _holds_sum(left)
        case Neg(argument):
            return _holds_sum(argument)
        case _:
            return False


def renamed(node: Node, names: dict[str, str]) -> Node:
    """The tree with letters exchanged."""
    match node:
        case Name(name):
            return Name(names.get(name, name))
        case Neg(argument):
            return Neg(renamed(argument, names))
        case Call(function, argument):
            return Call(function, renamed(argument, names))
        case Bin(operator, left, right):
            return Bin(operator, renamed(left, names), renamed(right, names))
        case _:
            return node


def renamed_all(node: Node | Relation, names: dict[str, str]) -> Node | Relation:
    """The tree or relation with letters exchanged."""
    if isinstance(node, Relation):
        return Relation(node.operator, renamed(node.left, names), renamed(node.right, names))
    return renamed(node, names)
