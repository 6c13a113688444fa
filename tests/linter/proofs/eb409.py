from proving import Proof

PROOFS = [
    Proof(
        requirements=(
            "flask==2.2.2",
            "setuptools<82",
            "azureml-contrib-services",
            "azureml-inference-server-http==1.0.0",
            "azureml-ai-monitoring==1.0.0",
        ),
        fails="cannot import name 'url_quote' from 'werkzeug.urls'",
    ),
    Proof(
        requirements=("flask==1.1.2", "jinja2", "werkzeug<2", "itsdangerous<2", "click<8", "markupsafe"),
        program="import flask\n",
        fails="cannot import name 'escape' from 'jinja2'",
    ),
    Proof(
        requirements=("flask==1.1.2", "jinja2<3.1", "werkzeug<2", "itsdangerous", "click<8", "markupsafe"),
        program="import flask\n",
        fails="cannot import name 'json' from 'itsdangerous'",
    ),
    Proof(
        requirements=("flask==1.1.4", "markupsafe"),
        program="import flask\n",
        python="3.10",
        fails="cannot import name 'soft_unicode' from 'markupsafe'",
    ),
]
