rule report:
    input:
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
        storage=storage_arguments(),
        captions=code_digest(*all_captions()),  # no input: a brace in their folder's name would be a wildcard
    message:
        "Write the report"
    script:
        "../scripts/report.py"
