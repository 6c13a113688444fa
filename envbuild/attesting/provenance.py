"""How an image was made, as SLSA provenance 1: what was asked, and every file that went in by its hash.

Neither a path nor an address nor a value that may be a secret is in it, but that of a public repository that a package
was built from; and no time but a given one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..bases.types import Base
from ..model.redact import redact
from ..oci.canonical import digest_of
from ..oci.types import Layer
from ..options import DockerOptions, Options
from ..patterns import pattern
from ..planner.paths import CODE, MODEL
from ..planner.types import Plan
from ..resolver.types import Lock
from . import purl
from .sources import dependency
from .tool import NAME, version

PREDICATE = "https://slsa.dev/provenance/v1"
# What the two mean is written in docs/attestations.md.
BUILD_TYPE = "urn:envbuild:build-type:image:1"
BUILDER = "urn:envbuild:builder:1"
_NAME = pattern(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
# Of these only that they were given is told: they are paths of the machine that built, and addresses with credentials.
_PLACES = frozenset(
    {"scoring_script", "code", "environment", "templates", "index_url", "extra_index_urls", "find_links"}
)
# What has no part in the image, or looks for mistakes in the model alone.
_UNTOLD = frozenset({"cache", "docker", "select", "ignore", "strict", "target", "fix", "unsafe_fixes", "rewritten"})


def provenance(
    plan: Plan,
    *,
    lock: Lock,
    base: Base,
    options: Options,
    unseen: Sequence[tuple[str, Layer]] = (),
    created: str = "",
) -> dict[str, Any]:
    """The predicate. `lock`, `base` and `options` are those that `plan` was made with.

    `unseen` are layers that were taken from a registry without looking into them, with their titles. `created` is an
    RFC 3339 time or empty: then there is none.
    """
    run: dict[str, Any] = {"builder": {"id": BUILDER}}
    if found := version():
        run["builder"]["version"] = {NAME: found}
    if created:
        run["metadata"] = {"startedOn": created, "finishedOn": created}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"model": _model(plan), **asked(options)},
            "internalParameters": {
                "server": plan.server,
                "base": plan.base,
                "python": plan.python,
                "platform": plan.platform,
                "bytecode": plan.bytecode,
                "lock": plan.lock_digest,
                "plan": digest_of(plan.as_json()),
            },
            "resolvedDependencies": [*_dependencies(plan, lock, base), *(_layer(*one) for one in unseen)],
        },
        "runDetails": run,
    }


def asked(options: Options) -> dict[str, Any]:
    """Every option that is not as it is without being asked for, in a form that names no path and no secret."""
    default = Options()
    found = {
        field.name: _told(field.name, getattr(options, field.name))
        for field in fields(Options)
        if field.name not in _UNTOLD and getattr(options, field.name) != getattr(default, field.name)
    }
    docker = {
        field.name: _told(field.name, getattr(options.docker, field.name))
        for field in fields(DockerOptions)
        if getattr(options.docker, field.name) != getattr(default.docker, field.name)
    }
    return {**found, **({"docker": docker} if docker else {})}


def _told(name: str, value: Any) -> Any:
    if name in _PLACES or isinstance(value, Path):
        return True
    if name == "base":
        return _public_base(value)
    if name == "requirements":
        return [_without_address(requirement) for requirement in value]
    if name in ("env", "labels", "build_args"):
        return sorted(key for key, _ in value)  # a value may be a secret
    if name == "secrets":
        return len(value)
    return list(value) if isinstance(value, tuple) else value


def _public_base(name: str) -> str:
    """A base as it was asked for, without a path."""
    kind = name.partition(":")[0]
    return kind if kind in ("oci", "oci-archive", "docker-archive") else redact(name)


def _without_address(requirement: str) -> str:
    """A requirement; of one that names a file or an address, the name."""
    if not {"/", "\\", "@"} & {*requirement}:
        return redact(requirement)
    match = _NAME.match(requirement)
    return f"{match[1]} @ (an address)" if match and "@" in requirement else "(an address)"


def _model(plan: Plan) -> dict[str, Any]:
    """The model by what its files are, and what it says of itself."""
    told = ("id", "run", "mlflow")
    said = {key: plan.annotations.get(f"dev.envbuild.model.{key}", "") for key in told}
    files = sorted([path, sha256] for path, sha256 in _files(plan, MODEL))
    digest = digest_of(files).removeprefix("sha256:")
    return {**{key: text for key, text in said.items() if text}, "digest": {"sha256": digest}}


def _dependencies(plan: Plan, lock: Lock, base: Base) -> Iterator[dict[str, Any]]:
    """The base, its packages where they were put together, the wheels, and the files of script and model."""
    yield {
        **({"uri": purl.oci(base.name, base.digest)} if base.registry else {}),
        "name": plan.base,
        "digest": {"sha256": base.digest.removeprefix("sha256:")},
    }
    for deb in base.packages:
        if deb.sha256:
            uri = purl.deb(deb.name, deb.version, vendor="debian")
            yield {"uri": uri, "name": f"{deb.name} {deb.version}", "digest": {"sha256": deb.sha256}}
    for package in lock.conda:
        uri = purl.conda(
            package.name, package.version, build=package.build, subdir=package.subdir, filename=package.filename
        )
        yield {"uri": uri, "name": package.filename, "digest": {"sha256": package.sha256}}
    for wheel in lock.packages:
        uri = purl.pypi(wheel.name, wheel.version, filename=wheel.filename)
        yield {"uri": uri, "name": wheel.filename, "digest": {"sha256": wheel.sha256}}
        if source := dependency(wheel):
            yield source
    for folder, what in ((CODE, "script"), (MODEL, "model")):
        for path, sha256 in _files(plan, folder):
            yield {"name": f"{what}/{path}", "digest": {"sha256": sha256}}


def _layer(title: str, layer: Layer) -> dict[str, Any]:
    return {
        "name": f"layer: {title}",
        "digest": {"sha256": layer.digest.removeprefix("sha256:")},
        "mediaType": layer.media_type,
        "annotations": {"dev.envbuild.unseen": True, "dev.envbuild.diff-id": layer.diff_id},
    }


def _files(plan: Plan, folder: str) -> list[tuple[str, str]]:
    """The planned files of a folder of the image, by path relative to it, and hex."""
    inside = (f for layer in plan.layers for f in layer.files if f.path.startswith(f"{folder}/"))
    return sorted((file.path.removeprefix(f"{folder}/"), file.sha256) for file in inside)
