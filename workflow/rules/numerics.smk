rule calibrate:
    input:
        kernels,
    output:
        report(
            "results/{experiment}/numerics.parquet",
            caption="../report/numerics.rst",
            category="{experiment}",
            subcategory="Tables",
            labels={"table": "Numerics: solvers tried on a sample"},
        ),
    log:
        "results/logs/{experiment}/calibrate.log",
    benchmark:
        "results/benchmarks/{experiment}/calibrate.tsv"
    priority: 1  # shards that need not wait for it are more, and keep the other cores busy
    conda:
        "../envs/hhcore.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(2000),
        runtime=times_attempt(resources.calibration_minutes),
    params:
        context=lambda wildcards: context_digest(EXPERIMENTS[wildcards.experiment]),
        grid=lambda wildcards: grid_digest(EXPERIMENTS[wildcards.experiment]),
        code=code_digest(
            "certify/calibration.py",
            "certify/stability.py",
            "certify/certificate.py",
            "simulation/reference.py",
            "base/tables.py",
            *SPIKE_ERRORS,
        ),
    message:
        "{wildcards.experiment}: measure the error of solvers on a sample of the grid"
    script:
        "../scripts/calibrate.py"
