"""Bodies that are files: kept on disk as they arrive, so that memory stays bounded."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.request import Request

from tutor.common.errors import TutorError

CHUNK_BYTES = 64 * 1024


def _too_large(size: int | None) -> TutorError:
    megabytes = settings.MAX_UPLOAD_BYTES // (1024 * 1024)
    given = "It" if size is None else f"A file of {size} bytes"
    return TutorError(
        f"{given} is too large; expected at most {megabytes} MB.", code="upload_too_large"
    )


def upload_size_check(request: Request) -> None:
    """Refuse what says that it is too large, or not how large, before it is read.

    Raises:
        TutorError: code `upload_too_large` or `length_required`.
    """
    length = request.headers.get("Content-Length", "")
    if not length and "Transfer-Encoding" in request.headers:
        # A body of unknown length would be taken for none.
        raise TutorError(
            "The length of the body is not given; send a Content-Length.", code="length_required"
        )
    if length.isdigit() and int(length) > settings.MAX_UPLOAD_BYTES:
        raise _too_large(int(length))


class JsonParser(JSONParser):
    """JSON of bounded nesting; Django bounds its size."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Read a document. Raises: ParseError."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error


class FileParser(BaseParser):
    """Take the whole body as one file."""

    suffix = ""

    def parse(  # type: ignore[override]
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> TemporaryUploadedFile:
        """Copy the body into a temporary file. Raises: TutorError when it grows too large."""
        file = TemporaryUploadedFile(f"request{self.suffix}", media_type or "", 0, None)
        size = 0
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            if size > settings.MAX_UPLOAD_BYTES:
                file.close()
                raise _too_large(None)
            file.write(chunk)
        file.size = size
        file.seek(0)
        return file


class JsonFileParser(FileParser):
    """A JSON body; what is wrong in it is told by the import, with its place."""

    media_type = "application/json"
    suffix = ".json"


class ZipFileParser(FileParser):
    """A zip body."""

    media_type = "application/zip"
    suffix = ".zip"


class CsvFileParser(FileParser):
    """A table with commas."""

    media_type = "text/csv"
    suffix = ".csv"


class TsvFileParser(FileParser):
    """A table with tabs, as DataShop has them."""

    media_type = "text/tab-separated-values"
    suffix = ".txt"


class GzipFileParser(FileParser):
    """A table that is packed."""

    media_type = "application/gzip"
    suffix = ".csv.gz"
