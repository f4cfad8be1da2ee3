"""Forms for what a teacher says of a learner: a word on a skill, a note."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tutor.content.graph import CourseGraph, SkillNode
from tutor.roster.notes import NOTE_MOST
from tutor.scheduling.models import OverrideSays

HALF_LIVES = ((14, _("two weeks")), (30, _("a month")), (90, _("three months")))
HALF_LIFE = 30


class WordForm(forms.Form):
    """What a teacher knows of a skill, why, and for how long it is to hold."""

    skill = forms.ChoiceField(label=_("Skill"))
    says = forms.ChoiceField(
        label=_("The learner"), choices=OverrideSays.choices, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=_("Why"),
        max_length=500,
        help_text=_(
            "For you and your colleagues, such as “explained it at the board”. It is among what a "
            "learner gets who asks for all that is held on them."
        ),
    )
    half_life_days = forms.TypedChoiceField(
        label=_("It holds for"), choices=HALF_LIVES, coerce=int, initial=HALF_LIFE
    )

    def __init__(self, *args: Any, graph: CourseGraph, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "word-%s")
        super().__init__(*args, **kwargs)
        self._skill_of = {
            str(skill.uuid): skill for skill in graph.skills if skill.id in graph.practisable
        }
        skill = self.fields["skill"]
        if not isinstance(skill, forms.ChoiceField):
            raise TypeError("skill must be a field of choices")
        skill.choices = [("", _("Choose a skill"))] + [
            (uuid, found.title) for uuid, found in self._skill_of.items()
        ]

    def skill_chosen(self) -> SkillNode:
        """Return the skill of a valid form."""
        return self._skill_of[self.cleaned_data["skill"]]


class NoteForm(forms.Form):
    """A note about a learner."""

    text = forms.CharField(
        label=_("A new note"),
        max_length=NOTE_MOST,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "note-%s")
        super().__init__(*args, **kwargs)
