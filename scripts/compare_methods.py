"""Compare the specialised models on a domain of the user's own, and say which is served (rule compare_methods)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_json, read_table, write_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.bootstrap import bootstrap_of
    from speclm.study.metrics import gather_documents, measurements_of
    from speclm.study.own_results import own_results
    from speclm.study.plan import with_variants
    from speclm.study.runs import describe_runs, read_stages, time_runs

    methods = read_table(job.inputs["methods"])
    documents = gather_documents(job.inputs["documents"])
    books = *read_stages(job.inputs), with_variants(methods, ())
    names = measurements_of(documents)
    results = own_results(
        documents,
        describe_runs(names, *books),
        time_runs(names, *books),
        books[1],
        read_table(job.inputs["serving"]),
        methods.set_index("method")["label"].to_dict(),
        read_json(job.inputs["advice"])["limits"],
        bootstrap_of(job.settings["evaluate"]),
    )
    write_table(job.outputs["results"], results)
    return {"served": str(results["method"][0]), "models": len(results)}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
