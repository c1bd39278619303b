"""Draw one of the paper's figures from the metrics (rule draw_figure)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.cost import UNITS
    from speclm.study.curves import Material
    from speclm.study.evidence import load_evidence
    from speclm.study.figures import make_figure
    from speclm.study.style import save_figure

    chosen = job.settings
    evidence = load_evidence(job.inputs, chosen["study"], chosen["evaluate"], UNITS[chosen["figures"]["cost"]])
    material = Material(evidence, job.inputs["paper"][0].parent, chosen["figures"]["paper"] == "overlaid")
    figure = make_figure(job.wildcards["figure"], material)
    save_figure(figure, job.outputs["pdf"], job.outputs["png"])
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
