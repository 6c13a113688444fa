"""Up to 100,000 requests: memory stays flat, and each answer is that of its own request."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow]

CONNECTIONS = 16
WARM = 8_000
"""After so many requests everything that is made once has been made."""
GROWTH = 8_000
"""kB that a process may hold more after all the others: the allocator's play."""

LOADER = """
class Model:
    def predict(self, data, params=None):
        return data[["number", "word"]]

def _load_pyfunc(path):
    return Model()
"""
MLMODEL = """
flavors:
  python_function:
    loader_module: echo_loader
    code: code
signature:
  inputs: '[{"name":"word","type":"string"},{"name":"number","type":"long"},{"name":"ratio","type":"double"}]'
"""


def body(number):
    if number % 50 == 0:
        # A misfit now and then: what is refused must leave nothing behind either.
        return {"dataframe_records": [{"word": "x", "number": "none", "ratio": 1.5}]}
    rows = [{"word": f"w{number}", "number": number + row, "ratio": number / 7} for row in range(number % 3 + 1)]
    return {"dataframe_records": rows}


async def client(port, numbers):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        content = json.dumps(body(number)).encode()
        head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nx-request-id: r{number}\r\n"
        writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        said = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        answer = json.loads(await reader.readexactly(int(re.search(r"content-length: (\d+)", said)[1])))
        assert f"x-request-id: r{number}\r\n" in said
        if number % 50 == 0:
            assert said.startswith("http/1.1 400")
            continue
        assert said.startswith("http/1.1 200")
        wanted = [{"number": number + row, "word": f"w{number}"} for row in range(number % 3 + 1)]
        assert answer == {"predictions": wanted}
    writer.close()


def ask(port, start, stop):
    async def all_of_them():
        await asyncio.gather(*(client(port, range(start + first, stop, CONNECTIONS)) for first in range(CONNECTIONS)))

    asyncio.run(all_of_them())


def memory(pid):
    """kB that the server and its workers hold, by process."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return [int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{each}/status").read_text())[1]) for each in pids]


@pytest.mark.parametrize(
    ("batch", "requests"),
    [
        pytest.param("1", 28_000, marks=pytest.mark.proof),
        ("16", 28_000),
        pytest.param("1", 100_000, marks=pytest.mark.proof),
    ],
)
def test_memory_is_flat_and_nobody_gets_anothers_answer(start, tmp_path, batch, requests):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "echo_loader.py").write_text(LOADER)
    (tmp_path / "MLmodel").write_text(MLMODEL)
    server = start(
        AZUREML_MODEL_DIR=str(tmp_path), MLFLOW_MODEL_FOLDER=".", ENVBUILD_BATCH_MAX_SIZE=batch
    ).wait_until_up(path="/ping")
    ask(server.port, 0, WARM)
    before = memory(server.popen.pid)
    ask(server.port, WARM, requests)
    after = memory(server.popen.pid)
    assert len(before) == len(after) == 2
    for one, other in zip(before, after, strict=True):
        assert other - one < GROWTH
