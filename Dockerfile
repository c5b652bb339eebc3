# One target a component: serving, ingest, monitoring, history, mlflow, airflow, workstation.
#
# Everything that is fetched can come from elsewhere:
#   PYTHON_IMAGE, WORKSTATION_IMAGE, PROMETHEUS_IMAGE, KUBECTL_IMAGE   base images; a tag on the machine is enough
#   INDEX_URL                                                          package index
#   --secret id=ca,src=FILE                                            further CA certificates, in PEM
# `ontime.runtime.kind.images` builds these with tags made from their content. Needs BuildKit.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm
ARG WORKSTATION_IMAGE=${PYTHON_IMAGE}
ARG PROMETHEUS_IMAGE=docker.io/prom/prometheus:v2.55.1
ARG KUBECTL_IMAGE=kindest/node:v1.36.0

# -- packages: a group of uv.lock for each target, before any code ---------------------------------------------------

FROM ${PYTHON_IMAGE} AS builder
ARG INDEX_URL=
ENV INDEX_URL=${INDEX_URL} UV_PYTHON_DOWNLOADS=never UV_NO_BUILD=1 UV_LINK_MODE=copy
WORKDIR /build
COPY scripts/images/packages.sh ./
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=ca ./packages.sh tools

FROM builder AS serving-packages
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=ca ./packages.sh serving
FROM builder AS ingest-packages
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=ca ./packages.sh ingest
FROM builder AS monitoring-packages
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=ca ./packages.sh monitoring
FROM builder AS mlflow-packages
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=ca ./packages.sh mlflow
FROM builder AS airflow-packages
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=ca ./packages.sh airflow
FROM builder AS workstation-packages
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=ca ./packages.sh everything

# -- code: the same tree for every target, so that each can stand for a release ---------------------------------------

FROM builder AS code
ARG REVISION=unreleased
COPY platform /opt/ontime/releases/${REVISION}/platform
COPY dags /opt/ontime/releases/${REVISION}/dags
COPY serving /opt/ontime/releases/${REVISION}/serving
COPY feature_repo /opt/ontime/releases/${REVISION}/feature_repo
COPY monitoring /opt/ontime/releases/${REVISION}/monitoring
COPY k8s /opt/ontime/releases/${REVISION}/k8s
COPY ontime.toml pyproject.toml /opt/ontime/releases/${REVISION}/
RUN ln -s releases/${REVISION} /opt/ontime/current \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/ontime/releases \
 && chmod -R a+rX /opt/ontime

# -- what every target stands on --------------------------------------------------------------------------------------

FROM ${PYTHON_IMAGE} AS base
RUN printf 'oncall:x:10001:10001:on call:/tmp:/sbin/nologin\n' >>/etc/passwd && printf 'oncall:x:10001:\n' >>/etc/group
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/ontime/current/platform:/opt/ontime/current \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8 TZ=UTC HOME=/tmp \
    LD_LIBRARY_PATH=/opt/venv/lib/openmp
WORKDIR /tmp
LABEL org.opencontainers.image.title=ontime org.opencontainers.image.licenses=Apache-2.0

FROM ${PROMETHEUS_IMAGE} AS prometheus
USER 0
RUN mkdir -p /tmp/out && cp "$(command -v promtool)" /tmp/out/

FROM ${KUBECTL_IMAGE} AS kubectl
USER 0
RUN mkdir -p /tmp/out && cp "$(command -v kubectl)" /tmp/out/

# -- targets ----------------------------------------------------------------------------------------------------------

FROM base AS serving
COPY --from=serving-packages /opt/venv /opt/venv
RUN ["rm", "-f", "/bin/sh", "/bin/dash", "/bin/bash"]
COPY --from=code /opt/ontime /opt/ontime
USER 10001:10001
CMD ["python3", "-P", "-m", "ontime.runtime.launch", "serving"]

FROM base AS ingest
COPY --from=ingest-packages /opt/venv /opt/venv
RUN ["rm", "-f", "/bin/sh", "/bin/dash", "/bin/bash"]
COPY --from=code /opt/ontime /opt/ontime
USER 10001:10001
CMD ["python3", "-P", "-m", "ontime.runtime.launch", "ingest"]

FROM base AS mlflow
COPY --from=mlflow-packages /opt/venv /opt/venv
RUN ["rm", "-f", "/bin/sh", "/bin/dash", "/bin/bash"]
COPY --from=code /opt/ontime /opt/ontime
USER 10001:10001
CMD ["python3", "-P", "-m", "ontime.runtime.launch", "mlflow"]

FROM base AS monitoring
COPY --from=monitoring-packages /opt/venv /opt/venv
RUN ["rm", "-f", "/bin/sh", "/bin/dash", "/bin/bash"]
COPY --from=code /opt/ontime /opt/ontime
USER 10001:10001
CMD ["python3", "-P", "-m", "ontime.runtime.launch", "exporter"]

# Monitoring with promtool: it gives a new Prometheus its past.
FROM monitoring AS history
COPY --from=prometheus /tmp/out/promtool /usr/local/bin/promtool
CMD ["python3", "-P", "-m", "ontime.runtime.prepare", "prometheus"]

FROM base AS airflow
COPY --from=airflow-packages /opt/venv /opt/venv
COPY --from=code /opt/ontime /opt/ontime
USER 10001:10001
CMD ["python3", "-P", "-m", "ontime.runtime.launch", "airflow-scheduler"]

# People work here: a shell, git, make and kubectl are needed.
FROM ${WORKSTATION_IMAGE} AS workstation
RUN --mount=type=cache,target=/var/cache/apt \
    if ! command -v git >/dev/null || ! command -v make >/dev/null; then \
      apt-get update -qq \
      && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends git make less procps >/dev/null \
      && rm -rf /var/lib/apt/lists/*; \
    fi \
 && printf 'oncall:x:10001:10001:on call:/home/oncall:/bin/bash\n' >>/etc/passwd && printf 'oncall:x:10001:\n' >>/etc/group
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/ontime/current/platform:/opt/ontime/current \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8 TZ=UTC HOME=/home/oncall SHELL=/bin/bash \
    LD_LIBRARY_PATH=/opt/venv/lib/openmp
WORKDIR /tmp
COPY --from=kubectl /tmp/out/kubectl /usr/local/bin/kubectl
COPY --from=workstation-packages /opt/venv /opt/venv
COPY --from=code /opt/ontime /opt/ontime
LABEL org.opencontainers.image.title=ontime org.opencontainers.image.licenses=Apache-2.0
USER 10001:10001
CMD ["python3", "-P", "-m", "ontime.runtime.workstation"]
