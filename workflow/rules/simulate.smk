rule simulate:
    input:
        forced_if_stale,
        numerics=numerics_before,
    output:
        shard=updated("results/{experiment}/shards/{shard}.parquet"),
    log:
        "results/logs/{experiment}/simulate_{shard}.log",
    wildcard_constraints:
        experiment=only(LARGE),
    priority: 1  # before tables, traces and figures
    conda:
        ENVIRONMENT
    threads: shard_threads
    resources:
        mem_mb=times_attempt(of_experiment(resources.shard_mb)),
        runtime=times_attempt(of_experiment(resources.shard_minutes)),
    params:
        recipe=of_experiment(config_digest),
    message:
        "{wildcards.experiment}: simulate shard {wildcards.shard}"
    script:
        "../scripts/simulate.py"
