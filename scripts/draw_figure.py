"""Draw one of the paper's figures from the metrics (rule draw_figure)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.cost import UNITS
    from speclm.study.curves import Material
    from speclm.study.evidence import load_evidence
    from speclm.study.figures import make_figure, write_figure

    chosen = job.settings
    evidence = load_evidence(job.inputs, chosen["study"], chosen["evaluate"], UNITS[chosen["figures"]["cost"]])
    material = Material(evidence, job.inputs["paper"][0].parent, chosen["figures"]["paper"] == "overlaid")
    drawing = make_figure(job.wildcards["figure"], material)
    write_figure(drawing, job.outputs["pdf"], job.outputs["png"], job.outputs["tsv"])
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
