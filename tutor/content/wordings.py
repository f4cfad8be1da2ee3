"""Sentences of findings that differ by what they speak of: whole ones, for other languages.

Keyed by the words of the format, which are no sentences and stay as they are.
"""

from django.utils.translation import gettext_lazy as _

UNKNOWN = {
    "course": _("There is no course '{id}'."),
    "skill": _("There is no skill '{id}'."),
    "lesson": _("There is no lesson '{id}'."),
    "problem": _("There is no problem '{id}'."),
    "step": _("There is no step '{id}'."),
    "hint": _("There is no hint '{id}'."),
    "hint of this step": _("There is no hint of this step '{id}'."),
}
ID_AGAIN = {
    "skill": _("The skill id '{id}' stands already at {earlier}."),
    "lesson": _("The lesson id '{id}' stands already at {earlier}."),
    "problem": _("The problem id '{id}' stands already at {earlier}."),
    "step": _("The step id '{id}' stands already at {earlier}."),
    "asset": _("The asset id '{id}' stands already at {earlier}."),
}
TWICE_IN_STEP = {
    "choice": _("The choice id '{id}' stands twice in this step."),
    "hint": _("The hint id '{id}' stands twice in this step."),
}
EDGE_AGAIN = {
    "prerequisite": _(
        "The prerequisite edge '{source}' -> '{target}' stands already at {earlier}."
    ),
    "encompassing": _(
        "The encompassing edge '{source}' -> '{target}' stands already at {earlier}."
    ),
}
CIRCLE = _("The prerequisites run in a circle: {path}.")
CIRCLE_WITH_KEPT = _(
    "The prerequisites run in a circle (partly by edges the course has already): {path}."
)
CIRCLE_BESIDE_KEPT = _(
    "The prerequisites run in a circle together with the edges that the course has: {path}."
)
