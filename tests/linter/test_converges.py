"""Fixes of all rules on models made at random: they end, a second run changes nothing, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envbuild.errors import ModelError
from envbuild.linter import run
from envbuild.linter.fixes import apply, preview
from envbuild.linter.types import Target
from envbuild.model import read
from envbuild.servers import PROFILES

PIP = [
    *("mlflow==2.9.2", "mlflow", "mlflow==3.17.2", "mlflow-skinny==3.17.2", "numpy", "numpy<2", "numpy==1.26.4"),
    *("pandas==2.1.1", "pandas", "scikit-learn==1.1.2", "sklearn", "pywin32==306", "tensorflow-macos==2.15"),
    *("torch==2.1.0+cu118", "cloudpickle", "setuptools==65.5.0", "azureml-inference-server-http==1.2.2"),
    *("azureml-ai-monitoring", "Flask==2.2.2", "Werkzeug", "opencv-python", "protobuf", "gunicorn==20.1.0"),
    *("numpy ; python_version < '3.9'", "numpy>=1,<2", "-r more.txt", "--extra-index-url https://u:p@a.example/s"),
    *("mlflow==2.9.2.dev0", "opentelemetry-api==1.30.0", "inference-schema[x]==1.8", "wrapt==1.17", "a b"),
]
CONDA = [
    *("pip", "pip<=22.3", "pip<=23.2.1", "numpy=1.26.4", "pytorch=2.1.0=py3.11_cpu", "libgomp", "openjdk"),
    *("cudatoolkit=11.8", "scikit-learn", "_libgcc_mutex=0.1=main", "wheel", "matplotlib-base", "private-thing=1"),
]
PYTHONS = st.sampled_from(["3.11.7", "3.12.3", "3.8.10", "3.7.1", "3.10", "3.13.1"])
ENDINGS = st.sampled_from(["\n", "\r\n"])
STYLES = st.sampled_from(["%s", "'%s'", '"%s"', "%s  # why"])


@st.composite
def models(draw) -> dict[str, str]:
    ending = draw(ENDINGS)
    python = draw(PYTHONS)
    files = {
        "MLmodel": "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n"
        f"    python_version: {python}\n    model_path: a\\m.pkl\n    env: conda.yaml\n"
        + draw(st.sampled_from(["", "    cloudpickle_version: 3.1.2\n", "  sklearn:\n    sklearn_version: 1.6.1\n"])),
        "a/m.pkl": "x",
    }
    pip = draw(st.lists(st.sampled_from(PIP), max_size=6))
    if draw(st.booleans()):
        lines = draw(st.sampled_from([[], ["channels:", "- defaults", "- conda-forge"], ["channels: [defaults]"]]))
        lines = [*lines, "dependencies:", f"- python={python}"]
        lines += [f"- {draw(STYLES) % text}" for text in draw(st.lists(st.sampled_from(CONDA), max_size=4))]
        if draw(st.booleans()):
            lines += ["- pip:", *(f"  - {draw(STYLES) % text.replace(chr(39), chr(34) * 0)}" for text in pip)]
        else:
            lines += ["- pip: [" + ", ".join(f'"{text}"' for text in pip) + "]"]
        files["conda.yaml"] = ending.join(lines) + (ending if draw(st.booleans()) else "")
    if draw(st.booleans()):
        lines = draw(st.lists(st.sampled_from(PIP), max_size=4)) if draw(st.booleans()) else pip
        files["requirements.txt"] = ending.join(lines) + (ending if draw(st.booleans()) else "")
    if draw(st.booleans()):
        files["python_env.yaml"] = ending.join(
            [f"python: {python}", "build_dependencies:", "- pip==22.3", "dependencies:", "- -r requirements.txt", ""]
        )
    return files


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(files=models(), server=st.sampled_from(sorted(PROFILES)), unsafe=st.booleans(), azure=st.booleans())
def test_fixes_end_and_a_second_run_changes_nothing(tmp_path_factory, files, server, unsafe, azure):
    root: Path = tmp_path_factory.mktemp("model")
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(text.encode())
    target = Target(server=PROFILES[server], azure=azure)

    def find(model):
        return run(model, target)

    before = read(root)
    try:
        shown = preview(before, find(before), unsafe=unsafe, again=find)
        changed = apply(before, find(before), unsafe=unsafe, again=find)
    except ModelError as error:
        assert "safely: nothing was written" in str(error)
        assert {name: (root / name).read_bytes() for name in files} == {n: t.encode() for n, t in files.items()}
        return
    assert [line[6:] for line in shown.split("\n") if line.startswith("+++ b/")] == changed
    after = read(root)
    assert len(after.problems) <= len(before.problems)
    for file in changed:
        assert (b"\r\n" in (root / file).read_bytes()) is (b"\r\n" in files[file].encode())
    if not changed:
        return
    try:
        assert apply(after, find(after), unsafe=unsafe, again=find) == []
    except ModelError as error:
        assert "safely: nothing was written" in str(error)
