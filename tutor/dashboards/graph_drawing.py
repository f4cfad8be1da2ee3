"""A small picture of what surrounds an edge: coordinates only, for an SVG in a template."""

from dataclasses import dataclass

from tutor.content.graph import CourseGraph, SkillNode

WIDTH, ROW, BOX_WIDTH, BOX_HEIGHT = 560, 40, 164, 30
MOST_A_SIDE = 4
CHARACTERS = 21


@dataclass(frozen=True, slots=True)
class Box:
    """A skill: the corner of its box, and a name that fits."""

    x: int
    y: int
    label: str
    title: str
    is_asked: bool


@dataclass(frozen=True, slots=True)
class Line:
    """An arrow between two boxes; `is_asked` is the edge in question."""

    x1: int
    y1: int
    x2: int
    y2: int
    is_asked: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is before the later skill, and what follows it."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    height: int
    width: int = WIDTH
    box_width: int = BOX_WIDTH
    box_height: int = BOX_HEIGHT


def neighbourhood(graph: CourseGraph, parent: SkillNode, child: SkillNode) -> Drawing:
    """Draw the earlier skill with the later one's other prerequisites, and what builds on it."""
    others = [graph.skill_of[one] for one in graph.parents[child.id] if one != parent.id]
    before = [parent, *others[: MOST_A_SIDE - 1]]
    after = [graph.skill_of[one] for one in graph.children[child.id]][:MOST_A_SIDE]
    n_rows = max(len(before), len(after), 1)
    height = n_rows * ROW + 8
    middle = (WIDTH - BOX_WIDTH) // 2
    right = WIDTH - BOX_WIDTH - 2
    child_y = (height - BOX_HEIGHT) // 2
    boxes = [_box(child, middle, child_y, is_asked=True)]
    lines = []
    for row, skill in enumerate(before):
        y = _y(row, len(before), height)
        boxes.append(_box(skill, 2, y, is_asked=skill is parent))
        lines.append(
            Line(
                x1=2 + BOX_WIDTH,
                y1=y + BOX_HEIGHT // 2,
                x2=middle,
                y2=child_y + BOX_HEIGHT // 2,
                is_asked=skill is parent,
            )
        )
    for row, skill in enumerate(after):
        y = _y(row, len(after), height)
        boxes.append(_box(skill, right, y, is_asked=False))
        lines.append(
            Line(
                x1=middle + BOX_WIDTH,
                y1=child_y + BOX_HEIGHT // 2,
                x2=right,
                y2=y + BOX_HEIGHT // 2,
                is_asked=False,
            )
        )
    return Drawing(boxes=tuple(boxes), lines=tuple(lines), height=height)


def _y(row: int, n: int, height: int) -> int:
    return (height - n * ROW) // 2 + row * ROW + (ROW - BOX_HEIGHT) // 2


def _box(skill: SkillNode, x: int, y: int, *, is_asked: bool) -> Box:
    title = skill.title
    label = title if len(title) <= CHARACTERS else f"{title[: CHARACTERS - 1].rstrip()}…"
    return Box(x=x, y=y, label=label, title=title, is_asked=is_asked)
