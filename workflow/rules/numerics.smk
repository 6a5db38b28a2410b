SAMPLED = [analysis for analysis in next(iter(ANALYSES.values())) if analysis.source == "sample"]


rule calibrate:
    input:
        forced_if_stale,
    output:
        **{table: updated(file) for table, file in table_outputs(SAMPLED).items()},
        kernel="results/{experiment}/kernel.py",
    log:
        "results/logs/{experiment}/calibrate.log",
    wildcard_constraints:
        experiment=only(LARGE),
    priority: 2  # start it first; shards that do not wait for it keep the other cores busy
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=times_attempt(resources.CALIBRATION_MB),
        runtime=times_attempt(of_experiment(resources.calibration_minutes)),
    params:
        recipe=lambda wildcards: recipes_of(wildcards.experiment)["numerics.parquet"],
    message:
        "{wildcards.experiment}: measure the error of solvers on a sample of the grid"
    script:
        "../scripts/calibrate.py"
