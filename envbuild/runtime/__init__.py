"""The code that is copied into images, as the package `envbuild_runtime`.

It imports nothing of envbuild and runs on Python 3.9 and newer. `python -m envbuild_runtime` is envbuild's own
server, `python -m envbuild_runtime.azureml` starts the Azure ML inference server, and
`mlflow_score_script.py` is the scoring script that the latter runs when the user brings none.
"""

__version__ = "0.1.0"
"""envbuild's own version; there is no envbuild to ask inside an image."""
