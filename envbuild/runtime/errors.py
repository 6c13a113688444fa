"""What a client did wrong, apart from everything that went wrong here."""

from __future__ import annotations


class ClientError(Exception):
    """A request that cannot be answered as it stands: an HTTP status of the 400s and a text for the caller.

    The text names fields, columns, rows and types. It never repeats a value that the caller sent.
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class RequestError(ClientError):
    """A request that its protocol does not allow, whatever the model takes."""


class InputError(ClientError):
    """A value that does not fit the model, in a request that is well-formed."""


class StartError(Exception):
    """The server cannot start: no model, no script, or one that cannot be served. The text says what to do."""
