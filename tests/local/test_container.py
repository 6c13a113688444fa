"""What is said of a container that goes away while it is tried, and of images that are not envbuild's."""

from __future__ import annotations

from typing import Any

import pytest
from docker.errors import NotFound

from envbuild.errors import EngineError, ServerError, UsageError
from envbuild.local.container import ContainerSubject, port_of, server_of
from envbuild.local.on_host import read_expected

IMAGE: dict[str, Any] = {"Config": {"Labels": {"dev.envbuild.server": "envbuild"}, "Env": ["PORT=9000"]}}


class Gone:
    """A client of an engine that has no such container any more."""

    timeout = 0

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: Any, **__: Any) -> Any:
            raise NotFound("no such container")

        return refuse


@pytest.mark.parametrize("ask", ["ended", "log", "stop"])
def test_a_container_that_somebody_removed_is_an_error_of_the_engine(ask: str) -> None:
    subject = ContainerSubject(Gone(), "1", ("127.0.0.1", 1), "an-image", IMAGE)
    with pytest.raises(EngineError, match="no such container"):
        getattr(subject, ask)()


def test_the_port_is_the_image_s_own_or_the_server_s() -> None:
    assert port_of(IMAGE, "x") == 9000
    for given in ([], ["PORT="], ["PORT=http"], ["PORT=²"]):
        assert port_of({"Config": {**IMAGE["Config"], "Env": given}}, "x") == 8080


def test_another_image_is_refused_by_its_name() -> None:
    with pytest.raises(UsageError, match="an-image was not made by envbuild"):
        server_of({"Config": {"Labels": None}}, "an-image")


@pytest.mark.parametrize("out", ["", "envbuild-expected:{", "envbuild-expected:[1]"])
def test_no_whole_object_of_the_model_s_own_predict_is_an_error(out: str) -> None:
    with pytest.raises(ServerError, match=r"the model's own predict ended with signal SIGSEGV: killed"):
        read_expected(out, "first\nkilled\n", -11)
