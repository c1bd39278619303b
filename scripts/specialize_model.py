"""Fine-tune one method on one domain: all sizes, budgets and choices of the expert (rule specialize_model)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_array, write_json
from speclm.stage.interrupt import StopFlag
from speclm.stage.job import Job, run
from speclm.stage.summary import machine


def main(job: Job) -> dict:
    from speclm.data.windows import open_windows
    from speclm.model.size import ModelSize
    from speclm.train.settings import finetuning, starts, wanted_runs
    from speclm.train.specialize import Domain, Task, specialize

    chosen, inputs, method = job.settings, job.inputs, job.wildcards["method"]
    task = Task(
        method=method,
        domain=Domain(
            name=job.wildcards["domain"],
            train=open_windows(inputs["train"]),
            valid=open_windows(inputs["valid"]),
            train_clusters=read_array(inputs["clusters"]) if "clusters" in inputs else None,
        ),
        size=ModelSize(chosen["vocabulary"], chosen["context"], **chosen["shape"]),
        starts=starts(inputs.get("checkpoints", []), chosen["budgets"]),
        teachers=None,
        settings=finetuning(chosen["specialize"], chosen["optimizer"], chosen["rate"], chosen["evaluate_batch"]),
        seed=job.seed,
    )
    with StopFlag() as stop:
        facts = specialize(
            task,
            wanted_runs(chosen["specialize"], chosen["budgets"], chosen["selections"], before=chosen["before"]),
            output=job.outputs["runs"].parent,
            scratch=job.scratch,
            fingerprint=job.fingerprint,
            stop=stop,
            threads=chosen["threads"],
            device=chosen["device"],
        )
    write_json(job.outputs["summary"], {**facts, **machine(chosen["device"])})
    return facts


if "snakemake" in globals():
    run(main, globals()["snakemake"])
