# The paper's figures, from the metrics: a second or two each, on the machine that submits the jobs.
localrules:
    draw_figure,


rule draw_figure:
    input:
        metrics="<run>/{study}metrics.tsv",
        documents="<run>/{study}documents.parquet",
        histograms="<run>/clusters/histograms.tsv",
        methods=REPOSITORY / "config/methods.tsv",
        timings="<run>/{study}timings.tsv",
        paper=PAPER,
    output:
        pdf="<run>/{study}figures/figure_{figure}.pdf",
        png=report(
            "<run>/{study}figures/figure_{figure}.png",
            caption="../workflow/report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        tsv="<run>/{study}figures/figure_{figure}.tsv",
    log:
        "<logs>/{study}draw_figure/{figure}.log",
    benchmark:
        "<benchmarks>/{study}draw_figure/{figure}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings=lambda wildcards: settings("evaluate", "figures", study=study_settings(wildcards.study)),
        revision=STAGE_REVISION["study"],
    message:
        "Drawing figure {wildcards.figure}"
    script:
        "../scripts/draw_figure.py"
