"""Models at an address: downloaded by MLflow, which is imported only here and only then.

mlflow-skinny opens http(s) stores and registries; other stores need their own package, and the error names it.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import EnvbuildError, ModelError, NetworkError, StorageError
from .redact import redact

# What to install, by the module that is missing. From MLflow's artifact and tracking stores.
_EXTRAS = {
    "boto3": "boto3",
    "botocore": "boto3",
    "google": "google-cloud-storage",
    "azure": "azure-storage-blob azure-identity",
    "azureml": "azureml-mlflow",
    "pysftp": "pysftp",
    "paramiko": "paramiko",
    "pyarrow": "pyarrow",
    "sqlalchemy": "mlflow",
    "b2sdk": "b2sdk",
}
_SCHEMES = {
    "s3": "boto3",
    "r2": "boto3",
    "b2": "boto3",
    "gs": "google-cloud-storage",
    "wasbs": "azure-storage-blob azure-identity",
    "abfss": "azure-storage-file-datalake azure-identity",
    "azureml": "azureml-mlflow",
    "sftp": "pysftp",
    "hdfs": "pyarrow",
    "viewfs": "pyarrow",
}

# A store that is down should be an error within seconds, not minutes; what the person has set stays.
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_UNREACHABLE = re.compile(
    r"max retries exceeded|connection refused|name or service not known|failed to resolve|timed out|"
    r"temporary failure in name resolution|could not connect to the endpoint|network is unreachable|too many 50",
    re.IGNORECASE,
)


def local_path(uri: str) -> Path | None:
    """The path that a `file:` address names, else None."""
    parts = urlsplit(uri)
    if parts.scheme.lower() != "file":
        return None
    if parts.netloc not in ("", "localhost"):
        raise ModelError(f"{uri} names a file of another machine", hint="give a path of this one")
    return Path(unquote(parts.path))


def download(uri: str, downloads: Path | None) -> Path:
    """Fetch the model at `uri` into a new folder inside `downloads` and return the folder that holds it.

    Nothing is left of a download that fails. Raises ModelError for an address that MLflow cannot open, NetworkError for
    a store that does not answer, StorageError where the disk refuses.
    """
    try:
        if downloads is not None:
            downloads.mkdir(parents=True, exist_ok=True)
        target = Path(tempfile.mkdtemp(prefix="download-", dir=downloads))
    except OSError as error:
        raise StorageError(
            f"cannot make a folder for the download: {error}", hint="free some space, or name another cache"
        ) from error
    try:
        with _quiet() as noise:
            return Path(_fetch(uri, target))
    except BaseException as error:
        import shutil

        shutil.rmtree(target, ignore_errors=True)
        if isinstance(error, Exception) and not isinstance(error, EnvbuildError):
            raise _explain(uri, error, noise.getvalue()) from error
        raise


def _fetch(uri: str, target: Path) -> str:
    from mlflow.artifacts import download_artifacts

    return str(download_artifacts(artifact_uri=uri, dst_path=str(target)))


@contextlib.contextmanager
def _quiet() -> Iterator[io.StringIO]:
    """Keep MLflow's own progress, warnings and log lines from the person, and its telemetry from the network."""
    noise = io.StringIO()
    # Telemetry starts with the import and lives on in a thread, so it stays off.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    added = [name for name in _SETTINGS if name not in os.environ]
    os.environ.update({name: _SETTINGS[name] for name in added})
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(noise), contextlib.redirect_stderr(noise):
            warnings.simplefilter("ignore")
            yield noise
    finally:
        logging.disable(disabled)
        for name in added:
            os.environ.pop(name, None)


def _explain(uri: str, error: Exception, noise: str) -> EnvbuildError:
    """The error of MLflow, or of what lies below it, in one line and with a way out."""
    shown = redact(uri)
    chain = list(_chain(error))
    text = "\n".join(str(e) for e in chain) + "\n" + noise
    first = redact((str(error).strip().splitlines() or [type(error).__name__])[0][:300])
    extra = _missing_extra(uri, chain, text)
    if extra:
        return ModelError(
            f"cannot open {shown}: a package for this store is not installed ({first})",
            hint=f"install it next to envbuild: `pip install {extra}`",
        )
    if any(type(e).__name__.startswith("UnsupportedModelRegistryStore") for e in chain) or "sqlite:" in text:
        return ModelError(
            f"cannot open {shown}: there is no tracking server, and MLflow's default is a local database",
            hint="set MLFLOW_TRACKING_URI to the address of the tracking server, or, for a local database, "
            "`pip install mlflow`",
        )
    if _UNREACHABLE.search(text) or any(isinstance(e, (ConnectionError, TimeoutError)) for e in chain):
        where = os.environ.get("MLFLOW_TRACKING_URI", "")
        at = f" at {redact(where)}" if where and uri.startswith(("models:", "runs:", "mlflow-artifacts:")) else ""
        return NetworkError(
            f"the store of {shown} does not answer{at}: {first}",
            hint="check the address in MLFLOW_TRACKING_URI, the network and the proxy",
        )
    if any(isinstance(e, OSError) and e.errno in (28, 30, 122) for e in chain):
        return StorageError(f"cannot store {shown}: {first}", hint="free some space, or name another cache")
    return ModelError(
        f"cannot download {shown}: {first}",
        hint="check the name, the version or alias, and that MLFLOW_TRACKING_URI names the right server",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _missing_extra(uri: str, chain: list[BaseException], text: str) -> str:
    for error in chain:
        if isinstance(error, ImportError):
            module = (error.name or "").split(".")[0]
            if module in _EXTRAS:
                return _EXTRAS[module]
            if module == "mlflow":
                return "mlflow-skinny"
    missing = re.search(r"No module named '([\w.]+)'", text)
    if missing and missing[1].split(".")[0] in _EXTRAS:
        return _EXTRAS[missing[1].split(".")[0]]
    scheme = uri.split(":", 1)[0].lower()
    if scheme in _SCHEMES and any(isinstance(e, ImportError) for e in chain):
        return _SCHEMES[scheme]
    # A scheme that no installed package has registered, like azureml: without azureml-mlflow.
    if scheme in _SCHEMES and re.search("could not find a registered artifact repository", text, re.IGNORECASE):
        return _SCHEMES[scheme]
    return ""
