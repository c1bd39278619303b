#!/usr/bin/env bash
# Makes .venv from the locks: every file checked against its hash. Usage: bash envs/install.sh [python3]
# The CPU build of torch is taken where pip can see one (find-links or an extra index); else the registry's own build,
# which runs on CPUs too but brings along several GB of CUDA libraries.
set -euo pipefail
cd "$(dirname "$0")/.."
case $PWD in
*[[:space:]\'\"\\\`\$\&\|\;\<\>\(\)\*\?\[\]\{\}\!\#~]*)
    echo "$PWD: jobs cannot be started below a folder with a blank, a quote or the like in its name" >&2
    echo "Remedy: move the clone to a path of letters, digits and . _ -" >&2
    exit 1
    ;;
esac
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
if [ -d workflow/speclm ]; then # "import speclm": the library of this clone, named from here, so that both can be moved
    echo "import os, sys; sys.path.append(os.path.abspath(os.path.join(sys.prefix, '..', 'workflow')))" \
        >"$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/speclm.pth"
fi
if [ -f scripts/_snakemake.py ]; then # of a clone; an image has none
    # Snakemake's command, with what is typed looked through first.
    printf '%s\n' '#!/bin/sh' 'bin=$(dirname "$0")' 'exec "$bin/python" "$bin/../../scripts/_snakemake.py" "$@"' \
        >.venv/bin/snakemake.new
    chmod +x .venv/bin/snakemake.new
    mv .venv/bin/snakemake.new .venv/bin/snakemake
fi
touch .venv/complete
