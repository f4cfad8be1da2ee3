"""Where the parts of a document stood in its file, so that findings name file and line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tutor.content.errors import RowError


@dataclass(frozen=True)
class Origin:
    """Places by JSON pointer (`/problems/3` -> `steps.csv:7`), and what reading the file found.

    The rows point into the document where they can, else they name a place themselves.
    """

    places: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[RowError, ...] = ()

    def located(self, rows: Iterable[RowError]) -> list[RowError]:
        """Give rows whose pointers begin with the place that their part came from."""
        return [replace(row, pointer=self.place_of(row.pointer)) for row in rows]

    def place_of(self, pointer: str) -> str:
        """Give the place of a pointer: that of the smallest part around it, then the rest."""
        end = len(pointer)
        while end > 0:
            place = self.places.get(pointer[:end])
            if place is not None:
                return place + pointer[end:]
            end = pointer.rfind("/", 0, end)
        return pointer


NOWHERE = Origin()
