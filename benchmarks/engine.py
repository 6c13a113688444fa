"""The container engine, by its own command line client."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from .errors import BenchError
from .processes import environment, run

# The builder that every engine up to 28 has without a plugin.
CLASSIC = {"DOCKER_BUILDKIT": "0"}


def docker(*words: str) -> str:
    """What `docker WORDS` prints. BenchError if it fails."""
    return run(["docker", *words], env=environment(**CLASSIC)).stdout.strip()


def inspect(image: str) -> dict[str, Any] | None:
    """What the engine tells of an image, or None if it has none."""
    done = subprocess.run(["docker", "image", "inspect", image], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if "no such image" in done.stderr.lower():
            return None
        raise BenchError(f"docker image inspect {image}: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


def image_id(image: str) -> str:
    """The id of an image that has to be there."""
    found = inspect(image)
    if found is None:
        raise BenchError(f"the engine has no image {image}")
    return str(found["Id"])


def image_size(image: str) -> int:
    """The bytes of an image as the engine counts them."""
    found = inspect(image)
    if found is None:
        raise BenchError(f"the engine has no image {image}")
    return int(found["Size"])


def gzip_size(image: str) -> int:
    """The bytes of `docker save IMAGE | gzip -6`."""
    if shutil.which("gzip") is None:
        raise BenchError("gzip is not installed")
    with (
        subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as save,
        subprocess.Popen(["gzip", "-6", "-c"], stdin=save.stdout, stdout=subprocess.PIPE) as packed,
    ):
        assert save.stdout is not None and packed.stdout is not None
        save.stdout.close()
        total = 0
        while chunk := packed.stdout.read(1 << 20):
            total += len(chunk)
    if save.returncode or packed.returncode:
        raise BenchError(f"docker save {image} | gzip -6 failed")
    return total


def sharers(diff_ids: Sequence[str], mine: Sequence[str]) -> list[str]:
    """Images that hold the first of these layers: with them in the engine a first load is no first load.

    `mine` are the ids that do not count.
    """
    listed = docker("image", "ls", "--all", "--quiet", "--no-trunc").split()
    others = [image for image in dict.fromkeys(listed) if image not in mine]
    if not others or not diff_ids:
        return []
    # One that goes away meanwhile makes the client fail, after it has told of the others.
    done = subprocess.run(["docker", "image", "inspect", *others], capture_output=True, text=True, check=False)
    found = json.loads(done.stdout or "[]")
    return [
        (image.get("RepoTags") or [image["Id"][:19]])[0]
        for image in found
        if (image["RootFS"].get("Layers") or [""])[0] == diff_ids[0]
    ]


def marked(label: str) -> list[str]:
    """The ids of all images that carry `label` (`key=value`), those without a name too."""
    return _ids("image", "ls", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}")


def marked_containers(label: str) -> list[str]:
    """The ids of all containers that carry `label`, which they have from their image: those of a build's steps too."""
    return _ids("container", "ls", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}")


def _ids(*words: str) -> list[str]:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    return list(dict.fromkeys(done.stdout.split()))


def remove(image: str) -> None:
    """Remove one image by name or id, with the untagged ones below it; one that is gone is fine."""
    subprocess.run(["docker", "image", "rm", image], capture_output=True, check=False)


def remove_container(name: str) -> None:
    """Remove one container by name; one that is gone is fine."""
    subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True, check=False)
