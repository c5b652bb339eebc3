#!/usr/bin/env bash
# Says where the stack runs: kind where Docker and kind work and the overlays are there, else local. RUNTIME decides.
# With --why, says it in a sentence on standard error.
set -euo pipefail
cd "$(dirname "$0")/.."

why_not_kind() {
  if ! command -v docker >/dev/null 2>&1; then echo "there is no docker on PATH"; return; fi
  if ! command -v kind >/dev/null 2>&1; then echo "there is no kind on PATH"; return; fi
  if [ ! -d k8s/overlays/kind ]; then echo "k8s/overlays/kind is not there"; return; fi
  if ! timeout 5 docker info >/dev/null 2>&1; then echo "the Docker daemon does not answer"; return; fi
}

case "${RUNTIME:-}" in
  '') reason=$(why_not_kind) && if [ -n "$reason" ]; then choice=local; else choice=kind reason="docker and kind work"; fi ;;
  local | kind) choice=$RUNTIME reason="RUNTIME=$RUNTIME says so" ;;
  *) echo "RUNTIME has value '$RUNTIME'. Expected local or kind." >&2 && exit 2 ;;
esac

if [ "${1:-}" = --why ]; then
  echo "runtime: $choice, since $reason" >&2
else
  echo "$choice"
fi
