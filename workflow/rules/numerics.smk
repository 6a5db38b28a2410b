rule calibrate:
    input:
        forced_if_stale,
    output:
        **table_outputs([analysis for analysis in next(iter(ANALYSES.values())) if analysis.source == "sample"]),
        kernel="results/{experiment}/kernel.py",
    log:
        "results/logs/{experiment}/calibrate.log",
    priority: 2  # start it first; shards that do not wait for it keep the other cores busy
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=times_attempt(2000),
        runtime=times_attempt(of_experiment(resources.calibration_minutes)),
    params:
        recipe=lambda wildcards: recipes_of(wildcards.experiment)["numerics.parquet"],
    message:
        "{wildcards.experiment}: measure the error of solvers on a sample of the grid"
    script:
        "../scripts/calibrate.py"
