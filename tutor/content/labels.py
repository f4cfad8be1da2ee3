"""What pages call the words that imports keep: stages, actions, kinds, severities."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

STAGES = {
    "reading": _("reading"),
    "converting": _("converting"),
    "checking the form": _("checking the form"),
    "checking problems": _("checking problems"),
    "checked": _("checked"),
    "comparing": _("comparing"),
    "looking for circles": _("looking for circles"),
    "joining": _("joining"),
    "preparing": _("preparing"),
    "writing": _("writing"),
    "waiting for another try": _("waiting for another try"),
}
ACTIONS = {
    "created": _("created"),
    "changed": _("changed"),
    "retired": _("retired"),
    "unchanged": _("unchanged"),
}
SEVERITIES = {"error": _("error"), "warning": _("warning")}
KINDS = {
    "course": pgettext_lazy("kind of content", "course"),
    "skill": pgettext_lazy("kind of content", "skill"),
    "skills": pgettext_lazy("kind of content", "skills"),
    "prerequisite": pgettext_lazy("kind of content", "prerequisite"),
    "prerequisites": pgettext_lazy("kind of content", "prerequisites"),
    "lesson": pgettext_lazy("kind of content", "lesson"),
    "lessons": pgettext_lazy("kind of content", "lessons"),
    "problem": pgettext_lazy("kind of content", "problem"),
    "problems": pgettext_lazy("kind of content", "problems"),
    "step": pgettext_lazy("kind of content", "step"),
    "steps": pgettext_lazy("kind of content", "steps"),
    "hint": pgettext_lazy("kind of content", "hint"),
    "hints": pgettext_lazy("kind of content", "hints"),
    "sub_hint": pgettext_lazy("kind of content", "sub-hint"),
    "sub_hints": pgettext_lazy("kind of content", "sub-hints"),
    "asset": pgettext_lazy("kind of content", "asset"),
    "assets": pgettext_lazy("kind of content", "assets"),
}


def label(labels: Mapping[str, object], word: str) -> str:
    """Give what a word is called, or the word itself where nothing is known of it."""
    return str(labels.get(word, word))
