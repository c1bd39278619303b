# The runs of a finished study, in MLflow: a copy to look at, which can be made again at any time.
localrules:
    track_runs,


rule track_runs:
    input:
        metrics="<run>/metrics.tsv",
        timings="<run>/timings.tsv",
        serving="<run>/serving.tsv",
        costs="<run>/costs.tsv",
        claims="<run>/claims.tsv",
        summary="<run>/summary.txt",
        tables=collect("<run>/tables/table_{table}.md", table=TABLES),
        figures=collect("<run>/figures/figure_{figure}.pdf", figure=FIGURES),
    output:
        report="<run>/tracking/{extent}.json",
    log:
        "<logs>/track_runs/{extent}.log",
    benchmark:
        "<benchmarks>/track_runs/{extent}.tsv"
    wildcard_constraints:
        extent="runs|weights",
    conda:
        "../envs/tracking.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        settings={},
        revision=STAGE_REVISION["study"],
    message:
        "Importing runs into MLflow ({wildcards.extent})"
    script:
        "../scripts/track_runs.py"
