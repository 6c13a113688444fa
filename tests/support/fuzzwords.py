"""Words that the files of a model are made of, and some that somebody makes them of who wishes no good."""

from __future__ import annotations

_YAML = """
flavors python_function loader_module env conda virtualenv model_path code data signature inputs outputs dependencies
pip python channels conda-forge defaults build_dependencies - : , [ ] { } ' " # | > & * ! % @ ` &a *a <<: --- ... ? null
~ true 3.10 1e999 0x1F 0o17 1_000 .inf .nan 2001-01-01 !!str !!binary !!python/object:os.system mlflow.sklearn model.pkl
conda.yaml ../../etc/passwd /dev/zero C:\\x scikit-learn==1.1.2 [{"type":"tensor","tensor-spec":{"shape":[-1,-1]}}]
"""
_REQUIREMENTS = """
numpy pandas==2.1.1 mlflow==2.9.2 torch==2.1.0+cu118 scikit-learn[extra,b]>=1,<2 -r -c -e --hash=sha256:0 ; @ # \\
python_version<'3.8' sys_platform=='win32' git+https://u:p@h/r.git@main file:///x ./a.whl C:\\a.whl --index-url
https://user:word@index/simple --extra-index-url --find-links --trusted-host ${TOKEN} == === ~= != * > <
requirements.txt ../x.txt pip<=23.2 setuptools wheel _libgcc_mutex=0.1=main azureml-inference-server-http>=1.0
flask==2.2.2 1.*
"""
_PYTHON = """
def init(): run(data) class import from as . * azureml.ai.monitoring numpy return yield lambda async await : ( ) [ ] { }
= := @ , ' " ''' # \\ -1 1e999 0x if else try except global x y
"""

SPACES = [
    "\n",
    "\n  ",
    "\n- ",
    "\n    - ",
    "\t",
    "\r\n",
    "\r",
    " ",
    "\\\n",
    "\ufeff",
    "\x00",
    "\x0b",
    "\x0c",
    "\x85",
    "\u2028",
]
ODD = ["é", "\U0001d4b3", "\u202e", "e\u0301" * 3, "0" * 50, "A" * 300, "[" * 100, "{" * 100, "- " * 100, "(" * 100]

YAML = [*_YAML.split(), *SPACES, *ODD]
REQUIREMENTS = [*_REQUIREMENTS.split(), *SPACES, *ODD]
PYTHON = [*_PYTHON.split(), *SPACES, *ODD, "# -*- coding: utf-7 -*-\n", "# coding: nope\n"]
PICKLE_OPCODES = [
    bytes([code]) for code in b"\x80\x95.()0122FNIJKLMTUXGSVcghjpqrRbdesltua}]QPBC8iod\x8a\x8b\x8c\x93\x94\x96"
]
