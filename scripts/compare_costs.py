"""Say what a token of each method cost on this machine, beside what is set (rule compare_costs)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.plan import make_plan
    from speclm.study.relative_cost import write_words

    metrics, timings, methods = (read_table(job.inputs[name]) for name in ("metrics", "timings", "methods"))
    plan = make_plan(job.settings["study"], methods)
    write_words(job.settings["relative_cost"], metrics, timings, plan, job.outputs["words"])
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
