"""Write one of the paper's tables, with the paper's numbers beside ours (rule make_table)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.clustering import clusters_in_words
    from speclm.study.cost import UNITS
    from speclm.study.evidence import load_evidence
    from speclm.study.layout import write_files
    from speclm.study.sources import Sources, models_of
    from speclm.study.tables import make_table

    chosen = job.settings
    sources = Sources(
        load_evidence(job.inputs, chosen["study"], chosen["evaluate"], UNITS[chosen["figures"]["cost"]]),
        read_table(job.inputs["histograms"]),
        models_of(chosen),
        read_table(job.inputs["timings"]),
        read_table(job.inputs["serving"]),
        job.inputs["paper"][0].parent,
        chosen["deviations"],
        clusters_in_words(chosen),
    )
    table = make_table(int(job.wildcards["table"]), sources)
    write_files(table, job.outputs["tsv"], job.outputs["markdown"], job.outputs["latex"])
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
