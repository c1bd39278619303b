"""Distil the fine-tuned large model into the small one on one domain (rule distill_model)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_json, write_json
from speclm.stage.interrupt import StopFlag
from speclm.stage.job import Job, run
from speclm.stage.summary import machine


def main(job: Job) -> dict:
    from speclm.data.windows import open_windows
    from speclm.model.size import ModelSize
    from speclm.train.distill import Distillation
    from speclm.train.settings import finetuning, starts, wanted_runs
    from speclm.train.specialize import Domain, Task, Teachers, specialize

    chosen, inputs = job.settings, job.inputs
    taught = [(record["size"], record["budget"]) for record in read_json(inputs["teacher_runs"])]
    task = Task(
        method="slm_d",
        domain=Domain(
            name=job.wildcards["domain"],
            train=open_windows(inputs["train"]),
            valid=open_windows(inputs["valid"]),
            train_clusters=None,
        ),
        size=ModelSize(chosen["vocabulary"], chosen["context"], **chosen["shape"]),
        starts=starts(inputs["checkpoints"], chosen["budgets"]),
        teachers=Teachers(
            {(size, budget): inputs["teachers"] / f"none.n{size}.b{budget}.safetensors" for size, budget in taught},
            Distillation(**chosen["distill"]),
        ),
        settings=finetuning(chosen["specialize"], chosen["optimizer"], chosen["rate"], chosen["evaluate_batch"]),
        seed=job.seed,
    )
    with StopFlag() as stop:
        facts = specialize(
            task,
            wanted_runs(chosen["specialize"], chosen["budgets"], chosen["selections"], before=False),
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
