"""What an import of a response log added, or would add."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """What an import added, or would add. `n_late` learners had states that are replayed now."""

    course_key: str
    is_dry_run: bool
    n_responses: int
    n_new: int
    n_known: int
    n_learners: int
    n_accounts_new: int
    n_enrolled: int
    n_skills_new: int
    n_steps_new: int
    n_late: int
    first_at: datetime
    last_at: datetime
    notes: tuple[str, ...] = field(default=())


def result_write(result: HistoryResult) -> dict[str, Any]:
    """Return what an import added, or would add, as JSON has it."""
    written = asdict(result)
    del written["notes"]
    return written | {
        "first_at": result.first_at.isoformat(),
        "last_at": result.last_at.isoformat(),
    }
