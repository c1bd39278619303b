"""Write the served model of a user's own domain as ordinary tools load it, with its card (rule export_model)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_json, read_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.tokenizer import load_tokenizer
    from speclm.stage.summary import commit
    from speclm.study.model_card import model_card
    from speclm.train.export import export_model

    results, serving = read_table(job.inputs["results"]), read_table(job.inputs["serving"])
    advice = read_json(job.inputs["advice"])
    served, machine = results.iloc[0], serving.iloc[0]
    folder = dict(zip(advice["chosen"], job.inputs["models"], strict=True))[served["method"]]
    weights = folder / "{selection}.n{size}.b{budget}.safetensors".format(**served)
    card = model_card(
        results,
        advice,
        {use: job.settings[use] for use in ("domain", "generic")},
        read_json(weights.with_suffix(".json"))["meta"],
        {
            **{"run": job.settings["run"], "commit": commit()["commit"], "machine": machine["device"]},
            **{key: machine[key] for key in ("threads", "precision")},
        },
    )
    export_model(weights, load_tokenizer(job.inputs["tokenizer"]), card, job.outputs["model"])
    return {"weights": str(weights)}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
