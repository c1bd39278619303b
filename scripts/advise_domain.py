"""Advise which method to take for a domain of the user's own (rule advise_domain)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_json, read_table, write_json, write_text
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    import pandas as pd

    from speclm.cluster.histogram import histogram_frame
    from speclm.data.single_bytes import byte_share
    from speclm.data.tally import tell_left_out
    from speclm.study.advice import Costs, advise
    from speclm.study.advice_page import advice_page
    from speclm.study.budgets import Limits
    from speclm.study.evidence import load_evidence
    from speclm.study.own_domain import describe_domain

    name, settings = job.wildcards["domain"], job.settings
    stores = {path.name.removesuffix(".bin.json"): read_json(path) for path in job.inputs["tokens"]}
    domain = describe_domain(
        name,
        read_json(job.inputs["report"]),
        {split: store["tokens"] for split, store in stores.items()},
        (byte_share([stores["train"]]), byte_share([read_json(path) for path in job.inputs["generic"]])),
        read_json(job.inputs["start"]),
        tell_left_out([read_json(path) for path in job.inputs["manifests"]]),
    )
    own = histogram_frame(name, settings["k"], [job.inputs["clusters"]])
    evidence = load_evidence(
        {key: job.inputs[key] for key in ("metrics", "documents", "methods")}, settings["study"], settings["evaluate"]
    )
    advice = advise(
        domain,
        evidence,
        Costs(*(read_table(job.inputs[key]) for key in ("serving", "timings"))),
        pd.concat([read_table(job.inputs["histograms"]), own]),
        settings["k"],
        Limits(**settings["limits"]),
    )
    write_text(job.outputs["page"], advice_page(advice, evidence.plan, job.inputs["metrics"].parent.as_posix()))
    write_json(job.outputs["advice"], advice)
    return {"chosen": advice["chosen"], "size": advice["size"]}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
