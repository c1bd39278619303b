#!/usr/bin/env bash
# Resolves envs/requirements.in into the locks. Needs uv. The CPU build of torch is taken from the folders that
# PIP_FIND_LINKS names.
set -euo pipefail
cd "$(dirname "$0")"
flags=(--universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet)
torch=$(grep '^torch==' requirements.in)
override=$(mktemp)
echo "$torch ; sys_platform == 'none'" >"$override"
uv pip compile "${flags[@]}" requirements.in --override "$override" --no-emit-package torch -o lock.txt
known=($(sed -nE 's/^([a-z0-9-]+)==.*/--no-emit-package \1/p' lock.txt))
uv pip compile "${flags[@]}" bench.in -c lock.txt "${known[@]}" -o bench.txt
echo "$torch" | uv pip compile "${flags[@]}" - -c lock.txt -o torch-cuda.txt
folder=$(mktemp -d)
python3 -m pip download --quiet --no-deps --dest "$folder" "$torch+cpu"
{
    echo "$torch+cpu \\"
    sha256sum "$folder"/torch-*.whl | sed -E 's/^([0-9a-f]+).*/    --hash=sha256:\1/'
} >torch-cpu.txt
rm -r "$override" "$folder"
