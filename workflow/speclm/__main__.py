"""Repeat one stage without Snakemake: ``python -m speclm STAGE JOB.json`` (from the repository's root).

The job.json of every stage that ran lies beside its log. STAGE is the name of a file in scripts/. A pretraining whose
settings ask for several processes starts them itself; ``torchrun --nproc-per-node 2 -m speclm pretrain_model JOB.json``
does the same by hand.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from speclm.stage.errors import UserError
from speclm.stage.job import load, start
from speclm.stage.settings import nearest


def main(arguments: list[str]) -> int:
    """Run the stage; 0 when it succeeded, 1 with a message when the call was wrong."""
    scripts = Path(__file__).parents[2] / "scripts"
    known = sorted(path.stem for path in scripts.glob("[a-z]*.py"))
    if {"-h", "--help"} & set(arguments):
        print(f"{__doc__}\nStages: {', '.join(known)}")
        return 0
    try:
        if len(arguments) != 2 or arguments[0] not in known:
            stage = arguments[0] if arguments else ""
            raise UserError(
                f'no stage "{stage}"{nearest(stage, known)}',
                remedy=f"python -m speclm STAGE JOB.json with a stage of {', '.join(known)}",
            )
        job = load(arguments[1])
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    sys.path.insert(0, str(scripts))
    start(runpy.run_path(str(scripts / f"{arguments[0]}.py"))["main"], job)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
