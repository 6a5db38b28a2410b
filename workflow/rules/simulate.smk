rule kernel:
    output:
        "results/kernels/{kernel}.py",
    log:
        "results/logs/kernels/{kernel}.log",
    benchmark:
        "results/benchmarks/kernel-{kernel}.tsv"
    conda:
        "../envs/hhcore.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(1500),
        runtime=times_attempt(10),
    message:
        "Compile the kernel {wildcards.kernel} and measure its speed"
    script:
        "../scripts/kernel.py"


rule simulate:
    input:
        kernels=kernels,
        numerics=numerics_before,
    output:
        update("results/{experiment}/shards/{shard}.parquet"),
    log:
        "results/logs/{experiment}/simulate_{shard}.log",
    benchmark:
        "results/benchmarks/{experiment}/simulate-{shard}.tsv"
    conda:
        "../envs/hhcore.yaml"
    threads: shard_threads
    resources:
        mem_mb=times_attempt(resources.shard_mb),
        runtime=times_attempt(resources.shard_minutes),
    params:
        context=lambda wildcards: context_digest(EXPERIMENTS[wildcards.experiment]),
        grid=lambda wildcards: grid_digest(EXPERIMENTS[wildcards.experiment]),
    message:
        "{wildcards.experiment}: simulate shard {wildcards.shard}"
    script:
        "../scripts/simulate.py"


rule traces:
    input:
        kernels=kernels,
        numerics="results/{experiment}/numerics.parquet",
    output:
        table("traces", "traces_table", "Traces"),
    log:
        "results/logs/{experiment}/traces.log",
    benchmark:
        "results/benchmarks/{experiment}/traces.tsv"
    conda:
        "../envs/hhcore.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(1500),
        runtime=times_attempt(10),
    params:
        context=lambda wildcards: context_digest(EXPERIMENTS[wildcards.experiment]),
        points=lambda wildcards: str(EXPERIMENTS[wildcards.experiment].traces),
        code=code_digest("base/tables.py", "protocols/results.py", "base/units.py"),
        texts=lambda wildcards: EXPERIMENTS[wildcards.experiment].model.text_digest,
    message:
        "{wildcards.experiment}: simulate the requested traces"
    script:
        "../scripts/traces.py"
