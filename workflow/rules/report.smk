rule report:
    """Write results/report.html."""
    input:
        forced_if_stale,
        [file for name in EXPERIMENTS for file in results(name)],
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=times_attempt(2000),
        runtime=10,
    params:
        recipe=report_recipe,
    message:
        "Write the report"
    script:
        "../scripts/report.py"
