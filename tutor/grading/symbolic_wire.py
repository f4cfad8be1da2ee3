"""Syntax trees as JSON for the pipe to the symbolic helper, and as SymPy on its other side."""

from fractions import Fraction
from typing import Any

from tutor.grading.syntax import Bin, Call, Mixed, Name, Neg, Node, Num

Wire = list[Any]


def wire_from(node: Node) -> Wire:
    """Nested lists: the operator, then its arguments."""
    match node:
        case Num(value):
            return ["number", str(value.numerator), str(value.denominator)]
        case Mixed(whole, top, bottom):
            value = whole + Fraction(top, bottom)
            return ["number", str(value.numerator), str(value.denominator)]
        case Name(name):
            return ["name", name]
        case Neg(argument):
            return ["neg", wire_from(argument)]
        case Call(function, argument):
            return ["call", function, wire_from(argument)]
        case Bin(operator, left, right):
            return ["bin", operator, wire_from(left), wire_from(right)]
