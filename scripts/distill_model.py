"""Distil the fine-tuned large model into the small one on one domain (rule distill_model)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_json, write_json
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.train.distill import Distillation, Teachers
    from speclm.train.engine import machine, open_session
    from speclm.train.settings import specialization
    from speclm.train.specialize import specialize

    taught = [(record["size"], record["budget"]) for record in read_json(job.inputs["teacher_runs"])]
    models = {(size, budget): job.inputs["teachers"] / f"none.n{size}.b{budget}.safetensors" for size, budget in taught}
    chosen = job.settings["distill"]
    teachers = Teachers(models, Distillation(chosen["weight"], chosen["temperature"]), chosen["teacher_budget"])
    task, runs = specialization(job, teachers)
    with open_session(job) as session:
        facts = specialize(task, runs, session)
    write_json(job.outputs["summary"], {**facts, **machine(session.engine)})
    return facts


if "snakemake" in globals():
    run(main, globals()["snakemake"])
