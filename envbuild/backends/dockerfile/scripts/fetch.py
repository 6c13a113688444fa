"""Runs inside the build: have pip fetch the locked wheels, each by its hash, into /wheels.

How to reach the index comes from pip's own variables (PIP_INDEX_URL and the like) and, with BuildKit, from secrets:
`pip` is a pip.conf, `netrc` a netrc, `ca` the certificate authorities to trust. Without BuildKit these lie in
build/ca.pem. Plain Python 3.8 or later.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parent
SECRETS = Path("/run/secrets")
CACHE = Path("/var/cache/pip")  # a mount of BuildKit, else missing
WHEELS = Path("/wheels")


def main() -> int:
    """Run pip; its exit code."""
    (wheel,) = BUILD.glob("pip-*.whl")
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    for name, variable in (("pip", "PIP_CONFIG_FILE"), ("netrc", "NETRC")):
        if (SECRETS / name).is_file():
            environment[variable] = str(SECRETS / name)
    options = ["--no-input", "--no-color", "--progress-bar", "off", "--only-binary", ":all:"]
    options += ["--cache-dir", str(CACHE)] if CACHE.is_dir() else ["--no-cache-dir"]
    trusted = [path for path in (SECRETS / "ca", BUILD / "ca.pem") if path.is_file()]
    options += ["--cert", str(trusted[0])] if trusted else []
    options += ["--no-deps", "--require-hashes", "--requirement", str(BUILD / "requirements.txt")]
    # A wheel is a zip that Python can run from.
    command = [sys.executable, "-IB", str(wheel / "pip"), "download", "--dest", str(WHEELS), *options]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
