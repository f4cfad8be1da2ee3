"""Texts in CSV cells that no spreadsheet runs as a formula, and that read back as they were."""

from tutor.common.tables import cell_safe


def cell_write(text: str) -> str:
    """Put an apostrophe before what would run, and before what such a cell itself looks like."""
    return f"'{text}" if _is_formula(text.lstrip("'")) else text


def cell_read(cell: str) -> str:
    """Undo `cell_write`; other cells stay, so that a hand-written `-3` is read too."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell.lstrip("'")) else cell


def _is_formula(text: str) -> bool:
    return cell_safe(text) != text
