"""How a build reaches its engine: as a docker-py client, or as the environment of a `docker` process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SILENCE = 3600  # seconds without a word from the engine while a step is at work
_TLS_FILES = (("ca_cert", "ca.pem"), ("cert", "cert.pem"), ("key", "key.pem"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The engine's address (`unix:///run/docker.sock`), the folder of its TLS files if any, and how it is believed.

    `product`, `version` and `architecture` are what the engine says of itself (`docker`, `26.1.5`, `amd64`).
    """

    address: str
    tls: str = ""
    verify: bool = True
    product: str = "docker"
    version: str = ""
    architecture: str = "amd64"

    @property
    def title(self) -> str:
        """`docker 26.1.5`, for people."""
        return f"{self.product} {self.version.partition('+')[0]}".rstrip()

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` for a docker client that shall speak to this very engine, whatever its own settings say."""
        kept = {name: value for name, value in environ.items() if name not in _NAMED}
        kept["DOCKER_HOST"] = self.address
        if self.tls:
            kept["DOCKER_CERT_PATH"] = self.tls
            kept["DOCKER_TLS_VERIFY" if self.verify else "DOCKER_TLS"] = "1"
        return kept

    def client(self) -> Any:
        """docker-py's low-level client. Its own errors: DockerException, and those of requests."""
        from docker import APIClient

        return APIClient(
            base_url=self.address,
            timeout=SILENCE,
            tls=self._tls_config(),
            use_ssh_client=self.address.startswith("ssh://"),
        )

    def _tls_config(self) -> Any:
        if not self.tls:
            return False
        from docker.tls import TLSConfig

        found = {name: str(Path(self.tls) / file) for name, file in _TLS_FILES if (Path(self.tls) / file).is_file()}
        pair = (found["cert"], found["key"]) if {"cert", "key"} <= set(found) else None
        return TLSConfig(client_cert=pair, ca_cert=found.get("ca_cert"), verify=self.verify)


_NAMED = frozenset(
    {"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_API_VERSION"}
)
