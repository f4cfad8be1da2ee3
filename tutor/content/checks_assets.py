"""Checks of pictures: readable base64, the kind they say they are, the checksum they say."""

import base64
import binascii
import hashlib
from collections.abc import Sequence

from django.utils.translation import gettext as _

from tutor.content.bundles import Document
from tutor.content.findings import Findings

MAX_ASSET_BYTES = 10 * 1024 * 1024


def media_type_of(data: bytes) -> str | None:
    """Tell a picture's media type by its first bytes, whatever its name says."""
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "image/gif"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def assets_check(rows: Sequence[tuple[str, Document]], findings: Findings) -> None:
    """Refuse pictures without bytes, of another kind than said, changed on the way, or too big."""
    for pointer, asset in rows:
        if "data" not in asset:
            message = _(
                "The picture '{picture}' has no data and is not in assets/ of the zip."
            ).format(picture=asset["id"])
            findings.error(f"{pointer}/data", "", "base64, or a file in assets/", message)
            continue
        try:
            data = base64.b64decode(asset["data"], validate=True)
        except (binascii.Error, ValueError):
            message = _("The data of '{picture}' is not base64.").format(picture=asset["id"])
            findings.error(f"{pointer}/data", asset["data"], "base64", message)
            continue
        if len(data) > MAX_ASSET_BYTES:
            expected = f"at most {MAX_ASSET_BYTES} bytes"
            message = _(
                "The picture '{picture}' has {size} bytes, at most {most} bytes are taken."
            ).format(picture=asset["id"], size=len(data), most=MAX_ASSET_BYTES)
            findings.error(f"{pointer}/data", f"{len(data)} bytes", expected, message)
        found = media_type_of(data)
        if found != asset["media_type"]:
            said = (
                _("The picture '{picture}' is {kind}.")
                if found
                else _("The picture '{picture}' is no picture that we know.")
            )
            message = said.format(picture=asset["id"], kind=found)
            findings.error(
                f"{pointer}/media_type",
                asset["media_type"],
                found or "a GIF, PNG, JPEG, WebP",
                message,
            )
        digest = hashlib.sha256(data).hexdigest()
        if asset.get("sha256", digest) != digest:
            message = _(
                "The picture '{picture}' has another checksum than the bundle says."
            ).format(picture=asset["id"])
            findings.error(f"{pointer}/sha256", asset["sha256"], digest, message)
