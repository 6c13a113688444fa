from proving import Proof

HEAD = "dependencies:\n- python=3.11.7\n- pip\n- pyyaml=6.0.2\n- pip:\n"
PROOFS = [
    # What pip installs of it is the pip list alone.
    Proof(
        requirements=("iniconfig==2.0.0",),
        files={"conda.yaml": HEAD + "  - iniconfig==2.0.0\n"},
        program="import iniconfig, yaml\nassert yaml.__version__ == '6.0.2'\n",
        fails="No module named 'yaml'",
    ),
]
