from lintcases import Case, conda

LOCK = {"pandas": "2.3.3", "azure-monitor-opentelemetry-exporter": "1.0.0b40", "numpy": "2.4.6"}
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("pandas==2.3.3", "azure-monitor-opentelemetry-exporter")},
        packages=LOCK,
        severity="info",
        at=("conda.yaml:6",),
        says="1.0.0b40",
    ),
    Case(files={"conda.yaml": conda("pandas")}, packages={**LOCK, "pandas": "3.2.0rc1"}, severity="info"),
    Case(files={"conda.yaml": conda("pandas>=2")}, packages={**LOCK, "pandas": "3.2.0.dev3"}, severity="info"),
]
NEAR_MISSES = [
    # The server brings it: nobody asked for it by name.
    Case(files={"conda.yaml": conda("pandas==2.3.3")}, packages=LOCK),
    Case(files={"conda.yaml": conda("pandas==2.3.3", "azure-monitor-opentelemetry-exporter==1.0.0b40")}, packages=LOCK),
    Case(files={"conda.yaml": conda("pandas>=3.2.0rc1")}, packages={**LOCK, "pandas": "3.2.0rc1"}),
    Case(
        files={"conda.yaml": conda("pandas", "a-b")},
        packages={"pandas": "3.1.1.post1", "numpy": "2.4.6", "a-b": "2.0+abc"},
    ),
]
