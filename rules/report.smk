# For readers: a card for each method on each domain, and one page with everything that a study came to.
# (`snakemake --report` makes Snakemake's own page of the same files.) A second or two each, where the jobs are submitted.
localrules:
    write_method_cards,
    write_report,


rule write_method_cards:
    input:
        metrics="<run>/metrics.tsv",
        methods=REPOSITORY / "config/methods.tsv",
        splits="<run>/splits/report.json",
    output:
        cards=CARDS,
    log:
        "<logs>/write_method_cards.log",
    benchmark:
        "<benchmarks>/write_method_cards.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
    params:
        settings={"config": config, "corpora": {name: vars(DATASETS[data]) for name, data in DATASET_OF.items()}},
        revision=STAGE_REVISION["study"],
    message:
        "Writing the cards of the models"
    script:
        "../scripts/write_method_cards.py"


rule write_report:
    input:
        unpack(report_inputs),
        methods=REPOSITORY / "config/methods.tsv",
        looks=LOOKS,
        locks=LOCKS,
    output:
        page="<run>/{study}report.html",
        environment="<run>/{study}environment.json",
    log:
        "<logs>/{study}write_report.log",
    benchmark:
        "<benchmarks>/{study}write_report.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings={"config": config},
        revision=STAGE_REVISION["study"],
    message:
        "Writing the report"
    script:
        "../scripts/write_report.py"
