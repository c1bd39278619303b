"""Write the data card of a run (rule write_card)."""

from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.card import write_card

    datasets = job.settings["datasets"]
    manifests = {name: [path for path in job.inputs["manifests"] if path.parent.name == name] for name in datasets}
    stores: dict[str, list[Path]] = {}
    for name, path in zip(job.settings["splits"], job.inputs["tokens"], strict=True):
        corpus, split, *_ = name.split("/")  # "generic/train/00000" is a shard of generic/train
        stores.setdefault(f"{corpus}/{split}", []).append(path)
    reports = (job.inputs["report"], job.inputs["checked"])
    return write_card(
        job.settings["corpora"],
        datasets,
        manifests,
        stores,
        job.settings["comparisons"],
        *reports,
        job.outputs["card"],
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
