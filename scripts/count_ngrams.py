"""Count the study's 5-grams and measure them as the networks are measured (rule count_ngrams)."""

import platform

import _bootstrap  # noqa: F401
from speclm.stage.files import write_json
from speclm.stage.job import Job, run
from speclm.stage.listing import read_list
from speclm.stage.summary import device_name


def main(job: Job) -> dict:
    from speclm.data.windows import open_windows
    from speclm.model.size import ModelSize, parameter_count
    from speclm.ngram.peer import Peer, Text, first_tokens, save_tables

    chosen, folder = job.settings, job.outputs["documents"].parent
    most = min(chosen["ngram"]["generic_tokens"], max(chosen["budgets"]))
    peer = Peer(
        first_tokens(read_list(job.inputs["train"]), most),
        open_windows(job.inputs["heldout"]),
        4 * parameter_count(ModelSize(chosen["vocabulary"], chosen["context"], **chosen["shape"])),
        chosen["seeds"],
    )
    served = {}
    for number, name in enumerate(chosen["domains"]):
        text = Text(name, *(open_windows(job.inputs[split][number]) for split in ("domain_train", "valid", "test")))
        made = peer.measure(text, chosen["sizes"])
        served = served or made  # of the first domain, as of the networks
    save_tables(job.outputs["tables"], served)
    write_json(job.outputs["summary"], {"seconds": peer.seconds, "device": device_name("cpu"), "host": platform.node()})
    return peer.write(folder)


if "snakemake" in globals():
    run(main, globals()["snakemake"])
