"""Write the data card of a run (rule write_card)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.card import write_card

    datasets = job.settings["datasets"]
    manifests = {name: [path for path in job.inputs["manifests"] if path.parent.name == name] for name in datasets}
    reports = (job.inputs["report"], job.inputs["checked"])
    return write_card(
        job.settings["corpora"], datasets, manifests, job.settings["comparisons"], *reports, job.outputs["card"]
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
