# Metrics of all runs in one table; from it claims, costs and the paper's tables.
rule gather_metrics:
    input:
        documents=[
            f"<run>/evaluate/{method}/{domain}/seed{seed}/documents.parquet"
            for method, domain, seed in MEASURED
        ],
        measurements=[
            f"<run>/evaluate/{method}/{domain}/seed{seed}/measurements.json"
            for method, domain, seed in MEASURED
        ],
    output:
        metrics="<run>/metrics.tsv",
        documents="<run>/documents.parquet",
        timings="<run>/timings.tsv",
    log:
        "<logs>/gather_metrics.log",
    benchmark:
        "<benchmarks>/gather_metrics.tsv"
    params:
        settings=settings("evaluate", study=STUDY),
        revision=STAGE_REVISION["study"],
    threads: 1
    resources:
        mem_mb=1000,
    conda:
        "../envs/report.yaml"
    message:
        "Gathering all measurements"
    script:
        "../scripts/gather_metrics.py"


rule check_claims:
    input:
        metrics="<run>/metrics.tsv",
        documents="<run>/documents.parquet",
        histograms="<run>/clusters/histograms.tsv",
    output:
        claims=report(
            "<run>/claims.tsv",
            caption="../workflow/report/claims.rst",
            category="Claims",
        ),
    log:
        "<logs>/check_claims.log",
    benchmark:
        "<benchmarks>/check_claims.tsv"
    params:
        settings=settings("evaluate", study=STUDY),
        revision=STAGE_REVISION["study"],
    threads: 1
    resources:
        mem_mb=1000,
    conda:
        "../envs/report.yaml"
    message:
        "Checking the paper's claims"
    script:
        "../scripts/check_claims.py"
