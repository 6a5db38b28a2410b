rule none_failed:
    """With `failed_neurons: fail`: stop if a neuron failed. It runs last, when all results are written."""
    input:
        "results/report.html",
        failures="results/{experiment}/failures.parquet",
    output:
        touch("results/logs/{experiment}/none_failed"),
    log:
        "results/logs/{experiment}/none_failed.log",
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=times_attempt(500),
        runtime=times_attempt(5),
    message:
        "{wildcards.experiment}: check that no neuron failed"
    script:
        "../scripts/none_failed.py"
