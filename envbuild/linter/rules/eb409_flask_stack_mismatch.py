"""EB409: an old Flask beside a new Werkzeug, Jinja2, MarkupSafe or itsdangerous."""

from __future__ import annotations

from ..pairs import PairRule


class FlaskStackMismatch(PairRule):
    """A version of Flask, or of Jinja2, gets a library below it that dropped a name it imports.

    *What it does*: knows the pairs, where the server is built on Flask: `azureml`, and `mlflow` with older versions
    of MLflow.

    *Why it breaks*: Flask named no upper bounds then. The import stops at `cannot import name 'url_quote' from
    'werkzeug.urls'`, `cannot import name 'escape' from 'jinja2'` or `cannot import name 'soft_unicode' from
    'markupsafe'`.

    *Example*: `Flask==2.2.2` without a line for Werkzeug.

    *Use instead*: no line for Flask, which the server brings, or `Werkzeug<3` beside it.

    *Source*: Werkzeug, changes of 3.0.0; Jinja, changes of 3.1.0; MarkupSafe, changes of 2.1.0; mlflow/mlflow issues
    7563 and 7621.
    """

    code = "EB409"
    name = "flask-stack-mismatch"
    facts = "flask_stack.json"
    why = "imports names that were dropped"
