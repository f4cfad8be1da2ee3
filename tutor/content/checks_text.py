"""Checks of one text: its formulas and figures, and the pictures it names."""

import re

from django.utils.translation import gettext as _

from tutor.content.findings import Findings
from tutor.content.mathml import FormulaError, mathml_render
from tutor.content.text import assets_named, formulas_unrenderable

# Formulas that no Markdown around them could make into anything else.
_PLAIN_FORMULA = re.compile(r"(?<![\\$])\$(?![\s$])([^$`]+?)(?<![\s\\])\$(?!\$)")


def text_check(text: str, pointer: str, asset_ids: frozenset[str], findings: Findings) -> None:
    """Warn of what would show its source; refuse pictures that the bundle lacks."""
    if ("$" in text or "```" in text) and not _is_plainly_fine(text):
        for problem in formulas_unrenderable(text):
            message = _("It would be shown as it is written: {problem}").format(problem=problem)
            findings.warning(pointer, text, "LaTeX or a figure that can be drawn", message)
    for name in sorted(assets_named(text) - asset_ids):
        message = _("The text shows 'asset:{name}', which the bundle does not hold.").format(
            name=name
        )
        findings.error(pointer, name, "the id of an asset of this bundle", message)


def _is_plainly_fine(text: str) -> bool:
    """Whether every formula stands alone and renders; reading the Markdown takes far longer."""
    if "```" in text or "$" in _PLAIN_FORMULA.sub("", text):
        return False
    try:
        for found in _PLAIN_FORMULA.finditer(text):
            mathml_render(found[1])
    except FormulaError:
        return False
    return True
