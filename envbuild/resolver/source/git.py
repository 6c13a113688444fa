"""git, asked for one commit of one repository: no hooks, no helpers but its own for logins, no other transports.

The repository's address is the model's, so nothing here happens before `--allow-build` names the package.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from ...errors import NetworkError, ResolveError
from ...oci.disk import remove_tree
from ...patterns import pattern
from ..indexes import without_credentials
from .links import GitLink
from .sandbox import Limits
from .usage import UNCOUNTABLE, size_of

_COMMIT = pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SECONDS = 900.0
_TICK = 0.2
_LOOK = 2.0  # seconds between two looks at how much was written
# What would have git look at another repository, run another program, or write somewhere else.
_DROPPED = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CEILING_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS", "GIT_DIR", "GIT_EXEC_PATH", "GIT_INDEX_FILE", "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_TEMPLATE_DIR", "GIT_TRACE", "GIT_WORK_TREE", "PYTHONPATH",
    }
)  # fmt: skip
_SETTINGS = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never"),
    *("-c", "core.askPass="),
    *("-c", "advice.detachedHead=false", "-c", "core.symlinks=true", "-c", "core.autocrlf=false"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "fetch.recurseSubmodules=false"),
)


class Git:
    """git for one link, which may write `disk` bytes.

    Every method raises NetworkError or ResolveError with git's own words.
    """

    def __init__(self, link: GitLink, tick: Callable[[], object], *, disk: int = Limits().disk) -> None:
        program = shutil.which("git")
        if program is None:
            raise ResolveError(
                f"{link.where}: {link.name} is to be built from a git repository, and git is not installed",
                hint="install git (`apt install git`), or give a wheel instead",
            )
        self._program = program
        self._link = link
        self._tick = tick
        self._disk = disk

    def commit(self) -> str:
        """The whole commit that the link stands for now."""
        link = self._link
        if link.pinned:
            return link.ref
        ref = link.ref or "HEAD"
        said = self._run(["ls-remote", "--", link.url, ref, f"{ref}^{{}}"], None)
        rows = {name: commit for commit, tab, name in (line.partition("\t") for line in said.splitlines()) if tab}
        # As git does it: a tag comes before a branch of the same name, and a tag that is signed stands for its commit.
        for name in (
            f"{ref}^{{}}",
            ref,
            f"refs/tags/{ref}^{{}}",
            f"refs/tags/{ref}",
            f"refs/heads/{ref}",
            f"refs/{ref}",
        ):
            if _COMMIT.fullmatch(rows.get(name, "")):
                return rows[name]
        raise ResolveError(
            f"{link.where}: {without_credentials(link.url)} has no branch and no tag {ref!r}",
            hint="name a branch, a tag, or a commit with all 40 of its digits",
        )

    def checkout(self, commit: str, folder: Path) -> None:
        """Lay the files of `commit` down in the empty `folder`, with those of its submodules, and without `.git`."""
        link = self._link
        self._run(["init", "--quiet", "--template=", str(folder)], None)
        try:
            self._run(["fetch", "--quiet", "--no-tags", "--depth=1", "--", link.url, commit], folder)
        except NetworkError:
            # Not every server gives a commit that no name stands for: then everything that names stand for is asked.
            every = ["+refs/heads/*:refs/remotes/o/*", "+refs/tags/*:refs/tags/*"]
            self._run(["fetch", "--quiet", "--no-tags", "--", link.url, *every], folder)
        try:
            self._run(["checkout", "--quiet", "--force", "--detach", commit, "--"], folder)
        except NetworkError as error:
            raise ResolveError(
                f"{link.where}: {without_credentials(link.url)} does not have the commit {commit}: {error.message}",
                hint="is it on a branch that was removed? name another commit, or a tag",
            ) from None
        if self._run(["rev-parse", "HEAD"], folder).strip() != commit:
            raise ResolveError(f"{link.where}: {link.ref or 'HEAD'} is no commit of {without_credentials(link.url)}")
        if (folder / ".gitmodules").is_file():
            # A submodule that lies relative to its repository is looked for where that came from.
            self._run(["remote", "add", "origin", link.url], folder)
            self._run(["submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"], folder)
        left = [str(folder)]
        while left:
            with os.scandir(left.pop()) as entries:
                for entry in list(entries):
                    inside = entry.is_dir(follow_symlinks=False)
                    if inside and entry.name == ".git":
                        remove_tree(Path(entry.path))
                    elif inside:
                        left.append(entry.path)
                    elif entry.name == ".git":
                        Path(entry.path).unlink()

    @cached_property
    def _variables(self) -> Mapping[str, str]:
        """What git sees of variables. A program that answers for the person would answer every host that is named."""
        found = {name: value for name, value in os.environ.items() if name not in _DROPPED}
        found |= {
            "GIT_ALLOW_PROTOCOL": "https:http:ssh:file" if self._link.local else "https:http:ssh",
            "GIT_ASKPASS": "",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
            "SSH_ASKPASS_REQUIRE": "never",
        }
        if not {"GIT_SSH", "GIT_SSH_COMMAND"} & found.keys():
            # The variable would go before the setting, in which the person may have a way of their own.
            asked = [self._program, "config", "--get", "core.sshCommand"]
            own = subprocess.run(asked, cwd="/", env=found, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            if not own.stdout.strip():
                found["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes"
        return found

    def _run(self, arguments: Sequence[str], folder: Path | None) -> str:
        with subprocess.Popen(
            [self._program, *_SETTINGS, *arguments],
            cwd=folder or "/",
            env=self._variables,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process:
            started = looked = time.monotonic()
            try:
                while True:
                    with suppress(subprocess.TimeoutExpired):
                        out, said = process.communicate(timeout=_TICK)
                        break
                    self._tick()
                    if folder is not None and time.monotonic() - looked > _LOOK:
                        self._check_size(folder)
                        looked = time.monotonic()
                    if time.monotonic() - started > _SECONDS:
                        raise NetworkError(
                            f"{self._link.where}: git took longer than {_SECONDS:.0f} seconds for "
                            f"{without_credentials(self._link.url)}"
                        )
            except BaseException:
                # With git its own programs, which hold the connections.
                with suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        if folder is not None:
            self._check_size(folder)
        if process.returncode:
            shown = "\n".join(f"  {without_credentials(line)[:300]}" for line in said.strip().splitlines()[-8:])
            raise NetworkError(
                f"{self._link.where}: {without_credentials(self._link.url)} could not be fetched:\n{shown}",
                hint="check the address and the revision; git asks its own credential helpers and ssh's agent, "
                "and never a terminal",
            )
        return out

    def _check_size(self, folder: Path) -> None:
        size = size_of(folder)
        if size > self._disk:
            most = "files and folders than can be counted" if size == UNCOUNTABLE else f"than {self._disk >> 20} MiB"
            raise ResolveError(
                f"{self._link.where}: {without_credentials(self._link.url)} has more {most}",
                hint="name another revision; or build its wheel elsewhere, and put it into a folder that --find-links "
                "names",
            )
