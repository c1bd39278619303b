"""Small specialised language models under explicit budgets (arXiv 2402.01093).

snakemake --cores 2                                     the laptop study; with "ablations", variants of the methods
snakemake --cores 2 --configfile config/smoke.yaml      every rule in two minutes
"""

from snakemake.utils import min_version

min_version("9.12")


configfile: "config/config.yaml"


pathvars:
    run=f"results/{config['run']}",
    logs=f"results/{config['run']}/logs",
    benchmarks=f"results/{config['run']}/benchmarks",


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/data.smk"
include: "rules/tokenizer.smk"
include: "rules/cluster.smk"
include: "rules/importance.smk"
include: "rules/pretrain.smk"
include: "rules/specialize.smk"
include: "rules/distill.smk"
include: "rules/evaluate.smk"
include: "rules/own.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/tracking.smk"
include: "rules/progress.smk"


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        collect("<run>/{table}.tsv", table=["metrics", "timings", "serving", "costs", "claims"]),
        collect("<run>/{page}", page=PAGES),
        collect("<run>/tables/table_{table}.md", table=TABLES),
        collect("<run>/figures/figure_{figure}.pdf", figure=FIGURES),


rule ablations:
    input:
        multiext("<run>/ablations/", "metrics.tsv", "claims.tsv", "clusters.md", "assumptions.md", "report.html"),
        "<run>/ablations/tables/sensitivity.md",
        collect("<run>/ablations/figures/figure_{figure}.pdf", figure=ABLATION_FIGURES),


rule specialize:
    input:
        own_results,
