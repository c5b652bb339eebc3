#!/usr/bin/env bash
# Makes the base images of `make test-images` out of Debian's packages, for machines that reach no image registry:
#
#   ontime-trial/python:bookworm     Debian with its own Python, git and CA certificates: a PYTHON_IMAGE
#   ontime-trial/services:bookworm   besides, PostgreSQL, Redis, Prometheus and Alertmanager: the third-party images
#
# Needs root, debootstrap and a Docker daemon. Images that are there already are left alone.
set -euo pipefail

SUITE=bookworm
PYTHON=ontime-trial/python:$SUITE
SERVICES=ontime-trial/services:$SUITE
MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
DOCKER=${DOCKER:-docker}

there() { "$DOCKER" image inspect "$1" >/dev/null 2>&1; }

if ! there "$PYTHON"; then
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  chmod 755 "$root"
  debootstrap --variant=minbase \
    --include=python3,python3-venv,python3-pip,ca-certificates,git "$SUITE" "$root" "$MIRROR" >/dev/null
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info} "$root"/var/log/*
  tar -C "$root" -c . | "$DOCKER" import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' \
    --change 'CMD ["bash"]' - "$PYTHON" >/dev/null
fi

if ! there "$SERVICES"; then
  DOCKER_BUILDKIT=1 "$DOCKER" build --quiet --network "${BUILD_NETWORK:-default}" --tag "$SERVICES" - >/dev/null <<DOCKERFILE
FROM $PYTHON
RUN printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d \
 && echo 'deb $MIRROR $SUITE main' >/etc/apt/sources.list && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      postgresql redis-server prometheus prometheus-alertmanager
DOCKERFILE
fi
"$DOCKER" image ls --format '{{.Repository}}:{{.Tag}}  {{.Size}}' | grep '^ontime-trial/'
