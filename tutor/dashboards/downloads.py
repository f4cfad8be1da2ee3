"""Files that teachers take along: how they are named and sent."""

from datetime import datetime

from django.http import HttpResponse
from django.utils.formats import date_format
from django.utils.text import slugify
from django.utils.timezone import localtime


def day_of(now: datetime) -> str:
    """Return the school's day of a moment, for a file's name."""
    return date_format(localtime(now), "Y-m-d")


def csv_response(text: str, name: str) -> HttpResponse:
    """Send a table as a file of this name, of which only letters, digits and dashes are kept."""
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{slugify(name) or "class"}.csv"'},
    )
