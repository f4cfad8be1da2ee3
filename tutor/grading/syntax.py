"""The syntax tree of mathematical answers. Small, immutable, comparable."""

from dataclasses import dataclass
from fractions import Fraction

FUNCTIONS = ("sqrt", "cbrt", "abs", "sin", "cos", "tan", "exp", "ln", "log", "factorial")
RELATIONS = ("=", "<", "<=", ">", ">=", "!=")


@dataclass(frozen=True, slots=True)
class Num:
    """A number that is written with digits, never negative."""

    value: Fraction
    is_decimal: bool = False


@dataclass(frozen=True, slots=True)
class Mixed:
    """A mixed number such as 3 1/2."""

    whole: int
    top: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or the constant `pi`."""

    name: str


@dataclass(frozen=True, slots=True)
class Neg:
    """The negative of a term."""

    argument: "Node"


@dataclass(frozen=True, slots=True)
class Bin:
    """A sum, difference, product, quotient or power: operator one of `+ - * / ^`."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of FUNCTIONS with one argument."""

    function: str
    argument: "Node"


@dataclass(frozen=True, slots=True)
class Relation:
    """An equation or inequality."""

    operator: str
    left: "Node"
    right: "Node"


Node = Num | Mixed | Name | Neg | Bin | Call


def names_of(node: Node | Relation) -> frozenset[str]:
    """The variables that occur; `pi` is not one."""
    match node:
        case Name(name):
            return frozenset() if name == "pi" else frozenset({name})
        case Neg(argument) | Call(_, argument):
            return names_of(argument)
        case Bin(_, left, right) | Relation(_, left, right):
            return names_of(left) | names_of(right)
        case _:
            return frozenset()
