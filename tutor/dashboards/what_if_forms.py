"""The question of the what-if page."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tutor.content.graph import CourseGraph
from tutor.dashboards.what_if import SKILLS_MOST, Plan


class WhatIfForm(forms.Form):
    """Up to three skills, how often, and for how long."""

    sittings = forms.IntegerField(
        label=_("Sittings this week"), min_value=1, max_value=7, initial=3
    )
    minutes = forms.IntegerField(label=_("Minutes in each"), min_value=5, max_value=90, initial=20)

    def __init__(
        self, *args: Any, graph: CourseGraph, chosen: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._id_of = {str(skill.uuid): skill.id for skill in graph.skills}
        choices = [("", "–"), *((str(skill.uuid), skill.title) for skill in graph.skills)]
        for place in range(SKILLS_MOST):
            self.fields[f"skill{place + 1}"] = forms.ChoiceField(
                label=_("Skill") if place == 0 else _("and"),
                choices=choices,
                required=place == 0,
                initial=chosen[place] if place < len(chosen) else "",
            )
        self.order_fields(
            [*(f"skill{place + 1}" for place in range(SKILLS_MOST)), "sittings", "minutes"]
        )

    def plan(self) -> Plan:
        """Return how much is practised."""
        return Plan(sittings=self.cleaned_data["sittings"], minutes=self.cleaned_data["minutes"])

    def skill_ids(self) -> list[int]:
        """Return the skills that were chosen, each once."""
        chosen = [self.cleaned_data[f"skill{place + 1}"] for place in range(SKILLS_MOST)]
        return list(dict.fromkeys(self._id_of[uuid] for uuid in chosen if uuid))
