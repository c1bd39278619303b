"""Write the card of every method on every domain (rule write_method_cards)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_json, read_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.method_cards import Shelf, with_peers, write_cards

    shelf = Shelf(
        job.settings["config"],
        read_table(job.inputs["metrics"]),
        with_peers(read_table(job.inputs["methods"]).set_index("method").to_dict("index")),
        job.settings["corpora"],
        read_json(job.inputs["splits"])["splits"],
    )
    write_cards(shelf, {(path.parent.name, path.stem): path for path in job.outputs["cards"]})
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
