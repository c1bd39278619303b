"""Gather all measurements with their intervals and costs (rule gather_metrics)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_table, write_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.bootstrap import bootstrap_of
    from speclm.study.cost import ledger
    from speclm.study.metrics import check_metrics, gather_documents, measurements_of, summarise, write_documents_table
    from speclm.study.plan import make_plan, with_variants
    from speclm.study.runs import describe_runs, read_stages, time_runs

    methods = read_table(job.inputs["methods"])
    documents = gather_documents(job.inputs["documents"])
    names = measurements_of(documents)
    books = *read_stages(job.inputs), with_variants(methods, job.settings["study"].get("variants", ()))
    metrics = summarise(documents, describe_runs(names, *books), bootstrap_of(job.settings["evaluate"]))
    check_metrics(metrics, make_plan(job.settings["study"], methods), job.outputs["metrics"])
    write_documents_table(job.outputs["documents"], documents)
    write_table(job.outputs["metrics"], metrics)
    write_table(job.outputs["timings"], time_runs(names, *books))
    write_table(job.outputs["costs"], ledger(metrics))
    return {"measurements": len(metrics)}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
