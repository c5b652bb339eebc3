#!/bin/sh
# Runs inside the image builds: installs a group of uv.lock into /opt/venv, or uv itself (`tools`).
#
# The lock's versions and hashes are what is installed, from whatever index the build was given.
set -eu
group=$1

if [ -s /run/secrets/ca ]; then
  cat /etc/ssl/certs/ca-certificates.crt /run/secrets/ca >/tmp/ca.pem 2>/dev/null || cat /run/secrets/ca >/tmp/ca.pem
  export SSL_CERT_FILE=/tmp/ca.pem PIP_CERT=/tmp/ca.pem REQUESTS_CA_BUNDLE=/tmp/ca.pem
fi
if [ -n "${INDEX_URL:-}" ]; then
  export PIP_INDEX_URL="$INDEX_URL" UV_DEFAULT_INDEX="$INDEX_URL"
fi

if [ "$group" = tools ]; then
  version=$(sed -n 's/^ *"uv==\(.*\)",$/\1/p' pyproject.toml)
  python3 -m venv /opt/tools
  /opt/tools/bin/pip install --quiet --disable-pip-version-check --only-binary :all: "uv==$version"
  # Only makes images smaller, so nothing is lost where it cannot be had.
  if ! command -v strip >/dev/null; then
    timeout 120 sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends binutils' >/dev/null 2>&1 || true
  fi
  exit
fi

case $group in
  everything) chosen=--no-dev ;;
  *) chosen="--only-group $group" ;;
esac
# shellcheck disable=SC2086
/opt/tools/bin/uv export --quiet --frozen --no-emit-project $chosen --format requirements-txt --output-file /tmp/wanted.txt
/opt/tools/bin/uv venv --quiet --python "$(command -v python3)" /opt/venv
/opt/tools/bin/uv pip install --quiet --python /opt/venv/bin/python --require-hashes --compile-bytecode -r /tmp/wanted.txt

# What packages bring along and nothing here uses: test suites, headers, Feast's web pages, Arrow's RPC, tools for making
# ONNX models smaller, a second copy of ONNX Runtime for C++, and a type checker that Feast asks for.
site=$(/opt/venv/bin/python -c 'import site; print(site.getsitepackages()[0])')
cd "$site"
rm -rf pandas/tests pyarrow/tests pyarrow/include numpy/_core/tests numpy/lib/tests numpy/ma/tests sklearn/tests \
  dask/tests dask/dataframe/tests dask/array/tests ibis/backends/tests ibis/tests feast/ui/build \
  pyarrow/libarrow_flight* pyarrow/_flight* pyarrow/libarrow_python_flight* \
  onnxruntime/tools onnxruntime/transformers onnxruntime/quantization onnxruntime/capi/libonnxruntime.so* \
  mypy mypyc mypy-*.dist-info ./*__mypyc*.so ast_serialize ast_serialize-*.dist-info
find . -name '*.js.map' -delete
if command -v strip >/dev/null; then
  find pyarrow uvloop sqlalchemy -name '*.so*' -type f -exec strip --strip-unneeded {} + 2>/dev/null || true
fi
if [ "$group" = serving ]; then
  # Feast reads its offline store's class even where only the online one is asked; of Ibis that is DuckDB's backend.
  rm -rf dask dask-*.dist-info
  find ibis/backends -mindepth 1 -maxdepth 1 -type d ! -name duckdb ! -name sql ! -name __pycache__ -exec rm -rf {} +
fi

# LightGBM wants the OpenMP runtime of the system, which slim images lack; scikit-learn's wheel brings one.
mkdir -p /opt/venv/lib/openmp
for library in "$site"/scikit_learn.libs/libgomp-*.so*; do
  if [ -e "$library" ]; then cp "$library" /opt/venv/lib/openmp/libgomp.so.1; fi
done
