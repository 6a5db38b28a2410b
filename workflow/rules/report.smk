rule report:
    input:
        forced_if_stale,
        [file for name in EXPERIMENTS for file in results(name)],
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        recipe=report_recipe,
        storage=storage_arguments(),
    message:
        "Write the report"
    script:
        "../scripts/report.py"
