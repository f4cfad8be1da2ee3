"""Checks of one text: its formulas and figures, and the pictures it names."""

from tutor.content.findings import Findings
from tutor.content.text import assets_named, formulas_unrenderable


def text_check(text: str, pointer: str, asset_ids: frozenset[str], findings: Findings) -> None:
    """Warn of what would show its source; refuse pictures that the bundle lacks."""
    if "$" in text or "```" in text:
        for problem in formulas_unrenderable(text):
            message = f"It would be shown as it is written: {problem}"
            findings.warning(pointer, text, "LaTeX or a figure that can be drawn", message)
    for name in sorted(assets_named(text) - asset_ids):
        message = f"The text shows 'asset:{name}', which the bundle does not hold."
        findings.error(pointer, name, "the id of an asset of this bundle", message)
