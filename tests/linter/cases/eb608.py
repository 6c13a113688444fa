from lintcases import CONDA, MLMODEL, Case, conda

# Put together here, so that no scanner takes this file for a leak.
TOKEN = "dap" + "i" + "0123456789abcdef" * 2
GITHUB = "gh" + "p_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zC1bD2"
HEAD = "-----BEGIN RSA " + "PRIVATE KEY-----"
LINE = "MIIE" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zC" * 2
KEY = f"{HEAD}\n{LINE}\n"
ACCOUNT = "AccountKey=" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zC1bD2fF3gG4" * 2 + "h5=="
TRIGGERS = [
    Case(
        files={"code/settings.py": f"import os\n\nTOKEN = '{TOKEN}'\n"},
        at=("code/settings.py:3",),
        says="a Databricks token stands in code/settings.py:3",
    ),
    Case(files={"notes.txt": f"\ufeffa\r\nb {GITHUB}\r\n"}, at=("notes.txt:2",), says="GitHub"),
    Case(files={"cert/server.pem": KEY}, at=("cert/server.pem:1",), says="private key"),
    Case(
        files={"MLmodel": MLMODEL + f"metadata: {{connection: '{ACCOUNT}'}}\n"},
        at=("MLmodel:11",),
        says="Azure storage account",
    ),
    Case(
        files={
            "cert/locked.key": f"{HEAD}\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-256-CBC,0A1B2C\r\n\r\n{LINE}\r\n"
        },
        says="private key",
    ),
    Case(
        files={"code/auth.py": f'KEY = (\n    "{HEAD}\\n"\n    "{LINE}\\n"\n)\n'},
        at=("code/auth.py:2",),
        says="private",
    ),
    Case(files={".databrickscfg": "[DEFAULT]\nhost = https://x\n"}, at=(".databrickscfg:1",), says="Databricks"),
    Case(files={".env.production": "A=1\n"}, says="environment variables"),
    Case(files={"code/.aws/credentials": "[default]\n"}, says="keys of AWS"),
    Case(files={"ssl/store.p12": b"\0\1"}, says="private keys"),
    Case(files={"conda.yaml": CONDA + f"# {GITHUB}\n"}, at=("conda.yaml:10",), says="GitHub"),
    Case(files={".env": "A=1\n"}, severity="info", at=(".env:1",), says="stays out of the image"),
    Case(files={"code/.netrc": "machine h\n"}, target={"azure": True}, says="the whole folder"),
]
NEAR_MISSES = [
    Case(files={"code/auth.py": f'PEM = f"{HEAD}\\n{{os.environ["KEY"]}}\\n"\nif "{HEAD}" in PEM:\n    pass\n'}),
    Case(files={".env.example": "A=1\n", "code/credentials": "x\n", "id_rsa.pub": "ssh-rsa AAAA\n"}),
    Case(files={"cert/ca.pem": "-----BEGIN CERTIFICATE-----\nMIIE\n"}),
    Case(files={"code/a.py": "TOKEN = os.environ['DATABRICKS_TOKEN']\nK = 'AKIAIOSFODNN7" + "EXAMPLE'\n"}),
    Case(files={"model.pkl": b"\x80\x04" + TOKEN.encode()}),
    Case(files={"data.txt": b"\0\0" + TOKEN.encode()}),
    # An address of the environment is EB602's.
    Case(files={"conda.yaml": conda(f"--extra-index-url https://{GITHUB}@h/simple")}),
    Case(files={"code/settings.py": f"T = '{TOKEN}'\n", ".envbuildignore": "settings.py\n"}),
]
