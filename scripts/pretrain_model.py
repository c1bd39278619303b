"""Pretrain one model, with a checkpoint at every budget (rule pretrain_model)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_array, read_arrays, write_json
from speclm.stage.job import Job, run
from speclm.stage.launch import rank
from speclm.stage.listing import read_list


def main(job: Job) -> dict:
    from speclm.data.windows import open_windows
    from speclm.model.mixture import budget_tokens
    from speclm.model.size import ModelSize, ProjectionSize
    from speclm.train import settings
    from speclm.train.engine import machine, open_session
    from speclm.train.pretrain import Projection, expert_order, pretrain, sampled_order, uniform_order

    chosen, kind, part = job.settings, job.settings["kind"], job.wildcards["part"]
    generic = open_windows(read_list(job.inputs["train"]), scattered=True)
    clusters = {
        split: read_arrays(read_list(job.inputs[f"{split}_clusters"]))
        for split in ("train", "heldout")
        if chosen["clusters"]
    }
    projection, budget_experts = None, 1
    if kind == "slm_mix":
        budget_experts = chosen["clusters"]
        order = expert_order(clusters["train"], int(part.removeprefix("expert")), chosen["pretrain"]["batch"], job.seed)
    elif kind == "slm_is":
        order = sampled_order(read_array(job.inputs["windows"]))
    else:
        order = uniform_order(generic, job.seed)
    if kind == "slm_pn":
        projection = Projection(ProjectionSize(**chosen["projection"]), clusters["train"], clusters["heldout"])
    section = chosen["pretrain"]
    with open_session(job) as session:
        facts = pretrain(
            job.wildcards["method"],
            part,
            ModelSize(chosen["vocabulary"], chosen["context"], **chosen["shape"]),
            projection,
            generic,
            open_windows(job.inputs["heldout"]),
            order,
            budget_tokens(section["budgets"], section["relative_cost"], budget_experts),
            settings.pretraining(section, chosen["evaluate_batch"]),
            session,
        )
    if not rank():  # the first process, or the only one
        write_json(job.outputs["summary"], {**facts, **machine(session.engine)})
    return facts


if "snakemake" in globals():
    run(main, globals()["snakemake"])
