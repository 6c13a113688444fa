"""A real h2o model answers from its image, which brings Java with it; h2o itself comes as a wheel from the index."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from containers import running, same
from doubling import cache_folder
from environments import environment
from images import building

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.proof]

PINS = ("mlflow==2.17.2", "h2o==3.46.0.7", "numpy==1.26.4")
LOG = """
import json, sys
import h2o
import mlflow
import pandas
from h2o.estimators import H2OGeneralizedLinearEstimator
from mlflow.models import infer_signature

h2o.init(nthreads=1, max_mem_size="512M")
table = pandas.DataFrame({"a": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "b": [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]})
rows = h2o.H2OFrame(table.assign(y=[2.0, 5.0, 6.0, 9.0, 10.0, 13.0]))
model = H2OGeneralizedLinearEstimator(family="gaussian", lambda_=0)
model.train(x=["a", "b"], y="y", training_frame=rows)
asked = pandas.DataFrame({"a": [1.5, 2.5], "b": [1.0, 0.0]})
answer = model.predict(h2o.H2OFrame(asked)).as_data_frame()
pins = ["mlflow==2.17.2", "h2o==3.46.0.7", "numpy==1.26.4"]
mlflow.h2o.save_model(
    model, sys.argv[1], settings={"init": {"nthreads": 1, "max_mem_size": "512M"}},
    signature=infer_signature(asked, answer), pip_requirements=pins,
)
with open(sys.argv[2], "w") as file:
    json.dump({"split": json.loads(asked.to_json(orient="split")), "answer": answer.to_dict(orient="records")}, file)
h2o.cluster().shutdown()
"""


def test_it_answers_under_both_servers(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    if shutil.which("java") is None:
        pytest.skip("there is no Java on this machine to train an h2o model with")
    cache = cache_folder(tmp_path_factory)
    parent = tmp_path_factory.getbasetemp().parent / "envbuild-runtime"
    python = environment(parent, "logs-h2o", "3.11", *PINS, "pandas<2.3", "setuptools<80")
    model, case = tmp_path / "model", tmp_path / "case.json"
    subprocess.run([python, "-W", "ignore", "-c", LOG, model, case], check=True, cwd=tmp_path, capture_output=True)
    asked = json.loads(case.read_text())
    for server, path in (("envbuild", "/"), ("mlflow", "/ping")):
        with building(cache) as build:
            built = build(model, f"h2o-{server}", "--server", server)
            assert [row["value"] for row in built["decisions"] if row["what"] == "apt"] == ["openjdk-17-jre-headless"]
            # As any user, on a root that cannot be written.
            with running(built["tag"], path=path, seconds=240) as container:
                answer = container.post("/invocations", {"dataframe_split": asked["split"]})
        assert answer.status == 200, answer.body
        assert same(answer.body["predictions"], asked["answer"]), answer.body
