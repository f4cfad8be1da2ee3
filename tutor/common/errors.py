"""Errors that people or callers can act on."""


class TutorError(Exception):
    """A refusal with a stable code and one full sentence on what was wrong and what to do next."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
