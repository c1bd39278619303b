# All measurements in one table; from it the costs, the claims and the paper's tables.
# A second or two each: on a cluster, the machine that submits the jobs makes them itself.
localrules:
    check_claims,
    write_summary,
    make_table,
    write_scale,
    compare_costs,
    compare_clusters,
    compare_variants,
    write_assumptions,


rule gather_metrics:
    input:
        unpack(gather_inputs),
        methods=REPOSITORY / "config/methods.tsv",
    output:
        metrics=report(
            "<run>/{study}metrics.tsv",
            caption="../workflow/report/metrics.rst",
            category="Measurements",
        ),
        documents="<run>/{study}documents.parquet",
        timings="<run>/{study}timings.tsv",
        costs=report(
            "<run>/{study}costs.tsv",
            caption="../workflow/report/costs.rst",
            category="Measurements",
        ),
    log:
        "<logs>/{study}gather_metrics.log",
    benchmark:
        "<benchmarks>/{study}gather_metrics.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings=lambda wildcards: settings("evaluate", *DECIDING, study=study_settings(wildcards.study)),
        revision=STAGE_REVISION["study"],
    message:
        "Gathering all measurements"
    script:
        "../scripts/gather_metrics.py"


rule check_claims:
    input:
        metrics="<run>/{study}metrics.tsv",
        documents="<run>/{study}documents.parquet",
        histograms="<run>/clusters/histograms.tsv",
        methods=REPOSITORY / "config/methods.tsv",
    output:
        claims=report(
            "<run>/{study}claims.tsv",
            caption="../workflow/report/claims.rst",
            category="Claims",
        ),
        parts=report(
            "<run>/{study}claim_parts.tsv",
            caption="../workflow/report/claim_parts.rst",
            category="Claims",
        ),
    log:
        "<logs>/{study}check_claims.log",
    benchmark:
        "<benchmarks>/{study}check_claims.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings=lambda wildcards: settings("evaluate", study=study_settings(wildcards.study)),
        revision=STAGE_REVISION["study"],
    message:
        "Judging the paper's claims"
    script:
        "../scripts/check_claims.py"


rule write_summary:
    input:
        metrics="<run>/metrics.tsv",
        documents="<run>/documents.parquet",
        histograms="<run>/clusters/histograms.tsv",
        methods=REPOSITORY / "config/methods.tsv",
        claims="<run>/claims.tsv",
    output:
        summary="<run>/summary.txt",
    log:
        "<logs>/write_summary.log",
    benchmark:
        "<benchmarks>/write_summary.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings=settings("evaluate", study=study_settings("")),
        revision=STAGE_REVISION["study"],
    message:
        "Writing the closing summary"
    script:
        "../scripts/write_summary.py"


rule make_table:
    input:
        metrics="<run>/metrics.tsv",
        documents="<run>/documents.parquet",
        histograms="<run>/clusters/histograms.tsv",
        methods=REPOSITORY / "config/methods.tsv",
        timings="<run>/timings.tsv",
        serving="<run>/serving.tsv",
        paper=PAPER,
    output:
        tsv="<run>/tables/table_{table}.tsv",
        markdown=report(
            "<run>/tables/table_{table}.md",
            caption="../workflow/report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        latex="<run>/tables/table_{table}.tex",
    log:
        "<logs>/make_table/{table}.log",
    benchmark:
        "<benchmarks>/make_table/{table}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings=settings(
            *("evaluate", "models", "pretrain", "tokenizer", "context", "embedder", "figures", "ablations"),
            study=study_settings(""),
            deviations=DEVIATIONS,
        ),
        revision=STAGE_REVISION["study"],
    message:
        "Writing table {wildcards.table}"
    script:
        "../scripts/make_table.py"


rule write_scale:
    input:
        metrics="<run>/metrics.tsv",
        histograms="<run>/clusters/histograms.tsv",
        paper=PAPER,
    output:
        tsv="<run>/tables/scale.tsv",
        markdown=report(
            "<run>/tables/scale.md",
            caption="../workflow/report/scale.rst",
            category="Tables",
            labels={"table": "scale"},
        ),
        latex="<run>/tables/scale.tex",
    log:
        "<logs>/write_scale.log",
    benchmark:
        "<benchmarks>/write_scale.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        settings=settings("models", "specialize", "tokenizer", "context"),
        revision=STAGE_REVISION["study"],
    message:
        "Comparing the scale of the study with the paper's"
    script:
        "../scripts/write_scale.py"


rule compare_costs:
    input:
        metrics="<run>/metrics.tsv",
        timings="<run>/timings.tsv",
        methods=REPOSITORY / "config/methods.tsv",
    output:
        words="<run>/relative_cost.txt",
    log:
        "<logs>/compare_costs.log",
    benchmark:
        "<benchmarks>/compare_costs.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        settings=settings(study=study_settings(""), relative_cost=config["pretrain"]["relative_cost"]),
        revision=STAGE_REVISION["study"],
    message:
        "Comparing relative costs as set with those of this machine"
    script:
        "../scripts/compare_costs.py"


rule compare_clusters:
    input:
        repetitions="<run>/clusters/repetitions.tsv",
        paper=PAPER,
    output:
        tsv="<run>/ablations/clusters.tsv",
        markdown=report(
            "<run>/ablations/clusters.md",
            caption="../workflow/report/clusters.rst",
            category="Ablations",
        ),
    log:
        "<logs>/compare_clusters.log",
    benchmark:
        "<benchmarks>/compare_clusters.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings={},
        revision=STAGE_REVISION["study"],
    message:
        "Comparing tables 9 and 10 over seeds of k-means"
    script:
        "../scripts/compare_clusters.py"


rule compare_variants:
    input:
        metrics="<run>/ablations/metrics.tsv",
        documents="<run>/ablations/documents.parquet",
        methods=REPOSITORY / "config/methods.tsv",
    output:
        tsv="<run>/ablations/tables/sensitivity.tsv",
        markdown=report(
            "<run>/ablations/tables/sensitivity.md",
            caption="../workflow/report/sensitivity.rst",
            category="Ablations",
        ),
        latex="<run>/ablations/tables/sensitivity.tex",
    log:
        "<logs>/ablations/compare_variants.log",
    benchmark:
        "<benchmarks>/ablations/compare_variants.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        settings=settings("evaluate", study=study_settings("ablations/")),
        revision=STAGE_REVISION["study"],
    message:
        "Comparing the variants with the study's own choices"
    script:
        "../scripts/compare_variants.py"


rule write_assumptions:
    input:
        unpack(lambda wildcards: {"sensitivity": "<run>/ablations/tables/sensitivity.md"} if wildcards.study else {}),
        origins=REPOSITORY / "config" / origins_of(config["run"]),
    output:
        page=report(
            "<run>/{study}assumptions.md",
            caption="../workflow/report/assumptions.rst",
            category="Measurements",
        ),
    log:
        "<logs>/{study}write_assumptions.log",
    benchmark:
        "<benchmarks>/{study}write_assumptions.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        settings={"config": config},
        revision=STAGE_REVISION["study"],
    message:
        "Listing the assumptions"
    script:
        "../scripts/write_assumptions.py"
