"""Gather all measurements with their intervals and costs (rule gather_metrics)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_json, read_table, write_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    import pandas as pd

    from speclm.study.bootstrap import bootstrap_of
    from speclm.study.cost import ledger
    from speclm.study.metrics import check_metrics, gather_documents, measurements_of, summarise, write_documents_table
    from speclm.study.peers import PEERS
    from speclm.study.plan import KEY, make_plan, with_variants
    from speclm.study.runs import describe_counts, describe_runs, read_stages, time_counts, time_runs

    methods = read_table(job.inputs["methods"])
    peers = job.inputs.get("ngrams", [])
    documents = gather_documents([*job.inputs["documents"], *peers[:1]])
    measured = measurements_of(documents)
    names = [name for name in measured if name.method not in PEERS]
    books = *read_stages(job.inputs), with_variants(methods, job.settings["study"].get("variants", ()))
    runs, timings = describe_runs(names, *books), time_runs(names, *books)
    if peers:
        counted = [name for name in measured if name.method in PEERS]
        runs = pd.concat([runs, describe_counts(counted, read_json(peers[1]))])
        timings = pd.concat([timings, time_counts(counted, read_json(peers[2]))])
    metrics = summarise(documents, runs, bootstrap_of(job.settings["evaluate"]))
    check_metrics(metrics, make_plan(job.settings["study"], methods), job.outputs["metrics"])
    write_documents_table(job.outputs["documents"], documents)
    write_table(job.outputs["metrics"], metrics)
    write_table(job.outputs["timings"], timings.sort_values(KEY))
    write_table(job.outputs["costs"], ledger(metrics))
    return {"measurements": len(metrics)}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
