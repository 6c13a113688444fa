from lintcases import Case, script

INIT = "def init():\n    pass\n\n"
SCHEMA = "from inference_schema.schema_decorators import input_schema\n"


def run(signature: str, *, before: str = "", server: str = "azureml", **more) -> Case:
    source = before + INIT + f"def run({signature}):\n    return 1\n"
    return Case(target={"script": script(source)}, server=server, **more)


TRIGGERS = [
    run("*args", says="*args", at=("score.py:4",)),
    run("data, **more", says="**kwargs"),
    run("data, /", says="positional-only", server="envbuild"),
    run("", says="for the input data"),
    run("request_headers", says="request_headers"),
    run("data, threshold", says="also needs threshold"),
    run("data, *, threshold", says="also needs threshold"),
    Case(target={"script": script(INIT + "async def run(data):\n    return 1\n")}, says="asynchronous"),
    Case(target={"script": script("def init(path):\n    pass\ndef run(data): ...\n")}, says="needs path"),
    Case(target={"script": script("async def init(): ...\ndef run(data): ...\n")}, says="asynchronous"),
    Case(target={"script": script(INIT + "@rawhttp\n@input_schema('d', x)\ndef run(d): ...\n")}, says="both"),
]
NEAR_MISSES = [
    run("data"),
    run("data, request_headers"),
    run("request_headers, data"),
    run("data, threshold=0.5"),
    run("*, data"),
    Case(target={"script": script(INIT + "@rawhttp\ndef run(request): ...\n")}),
    Case(target={"script": script(INIT + "@rawhttp\ndef run(request): ...\n")}, server="envbuild"),
    Case(
        target={"script": script(SCHEMA + INIT + "@input_schema('a', x)\n@input_schema('b', x)\ndef run(a, b): ...\n")}
    ),
    # What another decorator makes of the signature is not known, nor which of two definitions counts.
    Case(target={"script": script(INIT + "@traced\ndef run(*args): ...\n")}),
    Case(target={"script": script(INIT + "if x:\n    def run(*args): ...\nelse:\n    def run(data): ...\n")}),
    Case(target={"script": script(INIT + "import score as driver_module\ndef run(*args): ...\n")}),
    Case(target={"script": script("def init(path='x'): ...\ndef run(data): ...\n")}),
]
