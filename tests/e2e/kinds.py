"""A course with one problem of each answer kind, and how its right answer is given in a browser."""

from itertools import pairwise
from typing import Any

CHOICES = [
    {"id": "half", "text": "$\\frac{1}{2}$"},
    {"id": "third", "text": "$\\frac{1}{3}$", "feedback": "Three thirds make one whole."},
    {"id": "quarter", "text": "$\\frac{1}{4}$"},
]
WORDS = [{"id": word, "text": word} for word in ("one", "two", "three")]

# Answer, choices, and what is typed for the typed kinds.
KINDS: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str]] = {
    "number": ({"kind": "number", "value": "12", "units": ["cm"]}, [], "12 cm"),
    "fraction": ({"kind": "fraction", "value": "3/4", "form": "lowest"}, [], "3/4"),
    "expression": ({"kind": "expression", "value": "2*x + 3"}, [], "3 + 2x"),
    "text": ({"kind": "text", "accepted": ["numerator"]}, [], "Numerator"),
    "interval": ({"kind": "interval", "value": "[-3, 5)"}, [], "[-3, 5)"),
    "list": ({"kind": "list", "values": ["2", "3", "5"]}, [], "5, 3, 2"),
    "tuple": ({"kind": "tuple", "values": ["2", "-3"]}, [], "(2, -3)"),
    "choice": ({"kind": "choice", "correct": "half"}, CHOICES, ""),
    "multiple_choice": ({"kind": "multiple_choice", "correct": ["half", "quarter"]}, CHOICES, ""),
    "ordering": ({"kind": "ordering", "correct": ["one", "two", "three"]}, WORDS, ""),
    "matching": (
        {
            "kind": "matching",
            "left": [{"id": "l1", "text": "0.5"}, {"id": "l2", "text": "0.25"}],
            "correct": {"l1": "half", "l2": "quarter"},
        },
        CHOICES,
        "",
    ),
}


def kinds_bundle() -> dict[str, Any]:
    """A bundle with one skill and a problem of each kind, in the order of KINDS."""
    problems = []
    for place, (kind, (answer, choices, _)) in enumerate(KINDS.items()):
        name = kind.replace("_", " ")
        step: dict[str, Any] = {
            "id": f"s-{kind}",
            "prompt": f"Answer as a **{name}**: how much is $\\frac{{1}}{{2}} + x$?",
            "skills": ["kinds"],
            "answer": answer,
            "hints": [{"id": "h1", "kind": "hint", "text": "Look at the *shape* of it."}],
            "solution": "It goes like $\\frac{1}{2}$.",
        }
        if choices:
            step["choices"] = choices
        problems.append(
            {
                "id": f"p-{kind}",
                "lesson": "l-kinds",
                "title": f"One of {name}",
                "order": place,
                "steps": [step],
            }
        )
    return {
        "format": "stepwise-bundle",
        "format_version": 1,
        "course": {"id": "kinds", "title": "Every kind"},
        "skills": [{"id": "kinds", "title": "Kinds of answers"}],
        "lessons": [{"id": "l-kinds", "title": "Kinds", "skills": ["kinds"], "body": "Read."}],
        "problems": problems,
    }


def sitting_bundle() -> dict[str, Any]:
    """A bundle for a first sitting: a small skill, and on it one whose problem has every kind."""
    steps = []
    for kind, (answer, choices, _) in KINDS.items():
        step: dict[str, Any] = {
            "id": f"s-{kind}",
            "prompt": f"Step of the kind **{kind.replace('_', ' ')}**: how much is $x$?",
            "skills": ["kinds"],
            "answer": answer,
            "solution": "It goes like $\\frac{1}{2}$.",
        }
        if choices:
            step["choices"] = choices
        steps.append(step)
    steps[0]["feedback"] = [{"answer": "13 cm", "text": "One too many.", "misconception": "off"}]
    steps[0]["hints"] = [
        {"id": "h1", "kind": "hint", "text": "Look at the *ruler*."},
        {
            "id": "h2",
            "kind": "scaffold",
            "text": "What comes after 11?",
            "answer": {"kind": "number", "value": "12"},
            "depends_on": ["h1"],
        },
    ]
    later = ("third", "fourth", "fifth", "sixth")
    small = [_small("sums", f"small{number}", "l-sums", number) for number in range(4)]
    return {
        "format": "stepwise-bundle",
        "format_version": 1,
        "course": {"id": "sitting", "title": "A first sitting"},
        "skills": [
            {"id": "sums", "title": "Small sums"},
            {"id": "kinds", "title": "Kinds of answers"},
            *({"id": key, "title": f"Later {key}"} for key in later),
        ],
        "prerequisites": [
            {"from": first, "to": then, "kind": "prerequisite"}
            for first, then in pairwise(["sums", "kinds", *later])
        ],
        "lessons": [
            {
                "id": "l-sums",
                "title": "Sums",
                "skills": ["sums"],
                "body": "Count **on** from the larger number.",
                "worked_examples": [{"title": "Five", "body": "$2 + 3 = 5$", "steps": ["Count."]}],
            },
            {"id": "l-kinds", "title": "Kinds", "skills": ["kinds"], "body": "Read each step."},
        ],
        "problems": [
            *small,
            *(_small(key, f"later-{key}", "l-kinds", place) for place, key in enumerate(later, 20)),
            {"id": "p-kinds", "lesson": "l-kinds", "title": "All", "order": 9, "steps": steps},
        ],
    }


def _small(skill: str, key: str, lesson: str, order: int) -> dict[str, Any]:
    step = {
        "id": f"s-{key}",
        "prompt": "How much is $3 + 4$?",
        "skills": [skill],
        "answer": {"kind": "number", "value": "7"},
        "solution": "$3 + 4 = 7$.",
    }
    return {
        "id": f"p-{key}",
        "lesson": lesson,
        "title": f"Sum {order}",
        "order": order,
        "steps": [step],
    }
