"""Fine-tune one method on one domain: all sizes, budgets and choices of the expert (rule specialize_model)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import write_json
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.train.engine import machine, open_session
    from speclm.train.settings import specialization
    from speclm.train.specialize import specialize

    task, runs = specialization(job, teachers=None)
    with open_session(job) as session:
        facts = specialize(task, runs, session)
    write_json(job.outputs["summary"], {**facts, **machine(session.engine)})
    return facts


if "snakemake" in globals():
    run(main, globals()["snakemake"])
