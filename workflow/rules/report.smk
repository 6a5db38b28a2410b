rule report:
    input:
        forced_if_stale,
        results=[file for name in EXPERIMENTS for file in results(name)],
        captions=local([str(path) for path in all_captions()]),
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        "../envs/hhcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        recipe=report_recipe(),
        storage=storage_arguments(),
    message:
        "Write the report"
    script:
        "../scripts/report.py"
