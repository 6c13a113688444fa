"""The error tree. Library code raises these; the command line renders them and exits with their code.

    EnvbuildError             1   something that a person can act on
    ├── FindingsError         1   the linter found errors, nothing was built or started
    ├── UsageError            2   an option, a reference or a combination of them is wrong
    ├── ModelError            3   the model folder cannot be read or is unsafe
    ├── ResolveError          4   no set of packages satisfies the requirements
    │   └── SourceBuildError  4   a package is there as source alone, and its build failed
    ├── BaseImageError        5   the base image is missing, unfit or unreadable
    ├── NetworkError          6   an index, a mirror or a store could not be reached
    ├── IntegrityError        7   bytes are not what their hash or signature says
    │   ├── CorruptBlobError  7   a blob in the cache is damaged: the caller drops it and builds it anew
    │   └── UnsafeWheelError  7   a wheel would write outside its prefix
    ├── StorageError          8   the disk is full, or the cache or the output cannot be written
    ├── EngineError           9   no container engine answers, or it refuses
    ├── ServerError          10   a server on this machine did not start, or ended by itself
    ├── RegistryError        11   a registry refuses what it was sent
    └── LockFileError        12   a lock file is none, or does not fit the image; none in the cache

An interrupted run exits with 130.
"""

from __future__ import annotations


class EnvbuildError(Exception):
    """An error with a way out.

    `message` says what happened and where (file, line); `hint` says what to do, and may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class FindingsError(EnvbuildError):
    """The linter found errors; nothing was built or started."""

    exit_code = 1


class UsageError(EnvbuildError):
    """An option, a reference or a combination of options is wrong."""

    exit_code = 2


class ModelError(EnvbuildError):
    """The model folder cannot be read, or holds something unsafe."""

    exit_code = 3


class ResolveError(EnvbuildError):
    """No set of packages satisfies the requirements.

    `explanation` is the solver's own, for `python` (full version) on `platform` (its newest wheel tag), and `blamed`
    the requirements that it names; all are empty where nothing was solved.
    """

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        explanation: str = "",
        python: str = "",
        platform: str = "",
        blamed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.explanation = explanation
        self.python = python
        self.platform = platform
        self.blamed = blamed


class SourceBuildError(ResolveError):
    """A package is there as source alone, and its build failed. Where it is asked for otherwise, there may be a wheel.

    Like an error with an `explanation`, it is no reason to stop where something can still give way.
    """


class BaseImageError(EnvbuildError):
    """The base image is missing, unfit or unreadable."""

    exit_code = 5


class NetworkError(EnvbuildError):
    """An index, a mirror or a store could not be reached."""

    exit_code = 6


class IntegrityError(EnvbuildError):
    """Bytes are not what their hash or their signature says."""

    exit_code = 7


class CorruptBlobError(IntegrityError):
    """A blob in the cache is damaged. The caller drops it and builds it anew."""

    def __init__(self, digest: str) -> None:
        super().__init__(
            f"the cached blob {digest} is damaged",
            hint="run `envbuild cache verify`, which removes damaged entries",
        )
        self.digest = digest


class UnsafeWheelError(IntegrityError):
    """A wheel would write outside its prefix."""


class StorageError(EnvbuildError):
    """The disk is full, or the cache or the output cannot be written."""

    exit_code = 8


class EngineError(EnvbuildError):
    """No container engine answers, or it refuses what it was asked."""

    exit_code = 9


class ServerError(EnvbuildError):
    """A server that envbuild started on this machine did not start, or ended by itself.

    `exit_code` is the server's own where it gave one, such as 3 for a model that cannot be loaded.
    """

    exit_code = 10

    def __init__(self, message: str, *, hint: str = "", exit_code: int = 10) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class RegistryError(EnvbuildError):
    """A registry refuses what it was sent, or asks for a login first."""

    exit_code = 11


class LockFileError(EnvbuildError):
    """A lock file that a person named is none, or does not fit the image; or `--locked`, and the cache has no lock."""

    exit_code = 12
