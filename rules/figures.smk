# The paper's figures, from the metrics.
rule draw_figure:
    input:
        metrics="<run>/metrics.tsv",
        documents="<run>/documents.parquet",
        histograms="<run>/clusters/histograms.tsv",
        methods=REPOSITORY / "config/methods.tsv",
        timings="<run>/timings.tsv",
        paper=PAPER,
    output:
        pdf="<run>/figures/figure_{figure}.pdf",
        png=report(
            "<run>/figures/figure_{figure}.png",
            caption="../workflow/report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        "<logs>/draw_figure/{figure}.log",
    benchmark:
        "<benchmarks>/draw_figure/{figure}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        settings=settings("evaluate", "figures", study=STUDY),
        revision=STAGE_REVISION["study"],
    message:
        "Drawing figure {wildcards.figure}"
    script:
        "../scripts/draw_figure.py"
