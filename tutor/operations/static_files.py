"""Collect and compress static files, only when one of them has changed."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

STAMP = "collected"


def static_collect(*, stamp_dir: Path) -> bool:
    """Bring STATIC_ROOT up to date; return whether there was anything to do."""
    stamp = stamp_dir / STAMP
    digest = static_digest()
    if Path(settings.STATIC_ROOT).is_dir() and stamp.exists() and stamp.read_text() == digest:
        return False
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(digest)
    return True


def static_digest() -> str:
    """Return a digest of every static file's place, size and time of change."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
