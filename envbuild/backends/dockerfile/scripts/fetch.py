"""Runs inside the build: have pip fetch the locked wheels, each by its hash, into /wheels.

How to reach the index comes from pip's own variables (PIP_INDEX_URL...) and, with BuildKit, from secrets: `pip` is a
pip.conf, `netrc` a netrc, `ca` the certificate authorities to trust. Without BuildKit these lie in build/ca.pem.
Plain Python 3.8 or later.
"""

import glob
import os
import subprocess
import sys

BUILD = os.path.dirname(os.path.abspath(__file__))
SECRETS = "/run/secrets"
CACHE = "/var/cache/pip"  # a mount of BuildKit, else missing


def main():
    (wheel,) = glob.glob(os.path.join(glob.escape(BUILD), "pip-*.whl"))
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_ROOT_USER_ACTION="ignore")
    for name, variable in (("pip", "PIP_CONFIG_FILE"), ("netrc", "NETRC")):
        secret = os.path.join(SECRETS, name)
        if os.path.isfile(secret):
            environment[variable] = secret
    options = ["--no-input", "--no-color", "--progress-bar", "off", "--only-binary", ":all:"]
    options += ["--cache-dir", CACHE] if os.path.isdir(CACHE) else ["--no-cache-dir"]
    for authorities in (os.path.join(SECRETS, "ca"), os.path.join(BUILD, "ca.pem")):
        if os.path.isfile(authorities):
            options += ["--cert", authorities]
            break
    wanted = ["--no-deps", "--require-hashes", "--requirement", os.path.join(BUILD, "requirements.txt")]
    # A wheel is a zip that Python can run from.
    command = [sys.executable, "-IB", os.path.join(wheel, "pip"), "download", "--dest", "/wheels"]
    return subprocess.call(command + options + wanted, env=environment)


if __name__ == "__main__":
    sys.exit(main())
