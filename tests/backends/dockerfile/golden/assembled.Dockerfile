# A serving image of an MLflow model, written by envbuild. Build it by hand in this folder:
#
#   docker build -t NAME .
#
# The packages come from the index that pip asks by default. For another one, behind a proxy, or with another
# certificate authority add as needed:
#
#   --network host
#   --build-arg PIP_INDEX_URL=URL       also PIP_EXTRA_INDEX_URL and PIP_TRUSTED_HOST
#
# and put the authorities to trust into build/ca.pem. A build argument stays in this machine's build cache, in the
# history of the stage that uses it: for an index with a password, let envbuild write this file with --buildkit.
#
# Server: envbuild. Python: 3.11.2. Base: debian:bookworm.

# The base: its whole file system as one tar, which needs no registry.
FROM scratch AS base
ADD base.tar /

# The packages, in a stage that is thrown away: neither pip nor a wheel nor a password gets into the image.
FROM base AS packages
USER 0:0
COPY venv/ /opt/envbuild/
COPY build/ /build/
# pip takes the locked files by hash.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
RUN ["/opt/envbuild/bin/python", "-IB", "/build/fetch.py"]
# Each wheel is unpacked into /opt/envbuild; test folders of big packages stay out.
RUN ["/opt/envbuild/bin/python", "-IB", "/build/install.py"]

# Bytecode of what start-up imports, for a sooner first answer. The server's own files are compiled along.
FROM packages AS bytecode
COPY server/ /
RUN ["/opt/envbuild/bin/python", "-IB", "/build/compile.py"]

# The image itself: what changes least comes first, so that a rebuild repeats as little as it can.
FROM base
COPY --from=packages /opt/envbuild/ /opt/envbuild/
# Start-up code of the server.
COPY server/ /
COPY --from=bytecode /bytecode/ /
# The model: large files one by one, then the others.
COPY model/ /var/azureml-app/azureml-models/model/1/model/
# What the image was made from.
COPY record/ /

# How a container starts.
ENV PATH="/opt/envbuild/bin:/usr/bin:/bin" \
    VIRTUAL_ENV="/opt/envbuild" \
    LANG="C.UTF-8" \
    HOME="/tmp" \
    USER="nonroot" \
    LOGNAME="nonroot" \
    PYTHONUNBUFFERED="1" \
    PYTHONDONTWRITEBYTECODE="1" \
    AZUREML_MODEL_DIR="/var/azureml-app/azureml-models/model/1" \
    MLFLOW_MODEL_FOLDER="model" \
    MLFLOW_DISABLE_TELEMETRY="true" \
    DO_NOT_TRACK="true" \
    AML_APP_ROOT="/var/mlflow_resources"
LABEL dev.envbuild.base.digest="sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
      dev.envbuild.base.name="debian:bookworm" \
      dev.envbuild.lock="sha256:556710d0f92a906aafa37bd1efc160916dac8620bbf914b9922b4f9710e87be9" \
      dev.envbuild.model.id="m-1" \
      dev.envbuild.model.mlflow="3.17.2" \
      dev.envbuild.model.run="run-1" \
      dev.envbuild.python="3.11.2" \
      dev.envbuild.server="envbuild" \
      org.opencontainers.image.description="An MLflow model (mlflow.sklearn) behind a server" \
      org.opencontainers.image.title="MLflow model" \
      org.opencontainers.image.version="m-1"
EXPOSE 8080/tcp
# Before USER, so that a folder that is made here belongs to root.
WORKDIR /var/mlflow_resources
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["/opt/envbuild/bin/python", "-S", "-E", "/opt/envbuild/lib/python3.11/site-packages/envbuild_runtime/health.py", "8080", "/"]
ENTRYPOINT ["/opt/envbuild/bin/python", "-m", "envbuild_runtime"]
CMD []
