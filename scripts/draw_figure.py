"""Draw one of the paper's figures from the metrics (rule draw_figure)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.evidence import load_evidence
    from speclm.study.figures import make_figure
    from speclm.study.style import save_figure

    evidence = load_evidence(job.inputs, job.settings["study"], job.settings["evaluate"])
    figure = make_figure(job.wildcards["figure"], evidence, job.inputs["paper"][0].parent)
    save_figure(figure, job.outputs["pdf"], job.outputs["png"])
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
