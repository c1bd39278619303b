#!/usr/bin/env bash
# Makes .venv from the locks: every file checked against its hash. Usage: bash envs/install.sh [python3]
# The CPU build of torch is taken where pip can see one (find-links or an extra index); else the registry's own build,
# which runs on CPUs too but brings along several GB of CUDA libraries.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed; $python is $("$python" -V). Name another: make PYTHON=python3.12 …" >&2
    exit 1
}
"$python" -m venv .venv
pip=(.venv/bin/pip --disable-pip-version-check install --quiet --require-hashes --no-deps)
echo "Installing the pinned environment into .venv (1 to 3 minutes)"
"${pip[@]}" -r envs/lock.txt
"${pip[@]}" -r envs/torch-cpu.txt 2>/dev/null || {
    echo "No CPU build of torch is in reach of pip: installing the registry's own build (several GB)"
    "${pip[@]}" -r envs/torch-cuda.txt
}
.venv/bin/python -c 'import torch, snakemake, sentencepiece'
touch .venv/complete
