"""Import every run of a finished study into MLflow (rule track_runs)."""

import os

import _bootstrap  # noqa: F401
from speclm.stage.files import write_json
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.entries import read_entries
    from speclm.study.store import DEFAULT_STORE, open_store, public
    from speclm.study.tracking import import_entries

    # not a setting: addresses may hold passwords, which must not stand in job.json
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE
    folder = job.inputs["metrics"].parent
    entries = list(read_entries(folder))
    with open_store(uri) as client:
        done = import_entries(client, folder.name, entries, with_weights=job.wildcards["extent"] == "weights")
    facts = {"store": public(uri), "experiment": folder.name, "new": done.new, "present": done.present}
    print("MLflow: {new} new runs, {present} already there, in experiment {experiment} of {store}".format(**facts))
    write_json(job.outputs["report"], facts)
    return facts


if "snakemake" in globals():
    run(main, globals()["snakemake"])
