use rule tables as sample_tables with:
    output:
        features=table("features", "features", "Features, one row per neuron"),
        spikes="results/{experiment}/spikes.parquet",
        failures="results/{experiment}/failures.parquet",
        summary=summary_page(),
    wildcard_constraints:
        experiment=of_protocol("sampled_step"),


use rule figures as sample_figures with:
    input:
        features="results/{experiment}/features.parquet",
        numerics="results/{experiment}/numerics.parquet",
    output:
        sample_scatter=figure("sample_scatter", "sample_scatter", "A feature against each sampled quantity"),
        work_precision=figure("work_precision", "work_precision", "Work and precision"),
        accuracy_map=figure("accuracy_map", "accuracy_map", "Spike-time error"),
    wildcard_constraints:
        experiment=experiments_where(lambda experiment: experiment.sample is not None),


rule sampled_curves_figure:
    input:
        "results/{experiment}/fi_curves.parquet",
    output:
        figure("fi_curves", "sampled_curves", "F-I curves"),
    log:
        "results/logs/{experiment}/sampled_curves_figure.log",
    benchmark:
        "results/benchmarks/{experiment}/sampled_curves_figure.tsv"
    wildcard_constraints:
        experiment=experiments_where(lambda experiment: experiment.sample is not None and experiment.protocol == "step"),
    conda:
        "../envs/hhcore.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(resources.figures_mb),
        runtime=times_attempt(resources.figures_minutes),
    params:
        code=code_digest(
            "figures",
            "protocols/results.py",
            "protocols/sensitivity/indices.py",
            "base/units.py",
        ),
        texts=lambda wildcards: EXPERIMENTS[wildcards.experiment].model.text_digest,
    message:
        "{wildcards.experiment}: draw the F-I curves of the sample"
    script:
        "../scripts/sampled_curves_figure.py"


rule sobol_indices:
    input:
        lambda wildcards: expand(
            "results/{experiment}/{file}.parquet",
            experiment=wildcards.experiment,
            file=[
                "numerics",
                "features",
                *(["fi_summary"] if EXPERIMENTS[wildcards.experiment].protocol == "step" else []),
            ],
        ),
    output:
        report(
            "results/{experiment}/sobol_indices.parquet",
            caption="../report/sobol_indices_table.rst",
            category="{experiment}",
            subcategory="Tables",
            labels={"table": "Sobol indices"},
        ),
    log:
        "results/logs/{experiment}/sobol_indices.log",
    benchmark:
        "results/benchmarks/{experiment}/sobol_indices.tsv"
    wildcard_constraints:
        experiment=experiments_where(is_saltelli),
    conda:
        "../envs/hhcore.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(resources.indices_mb),
        runtime=times_attempt(resources.indices_minutes),
    params:
        code=code_digest(
            "protocols/fi/curves.py",
            "base/tables.py",
            "protocols/results.py",
            "protocols/sensitivity/indices.py",
            "base/units.py",
            "certify/certificate.py",
        ),
        texts=lambda wildcards: EXPERIMENTS[wildcards.experiment].model.text_digest,
    message:
        "{wildcards.experiment}: Sobol indices of every feature"
    script:
        "../scripts/sobol_indices.py"


rule sobol_figure:
    input:
        "results/{experiment}/sobol_indices.parquet",
    output:
        figure("sobol_indices", "sobol_indices", "Sobol indices"),
    log:
        "results/logs/{experiment}/sobol_figure.log",
    benchmark:
        "results/benchmarks/{experiment}/sobol_figure.tsv"
    wildcard_constraints:
        experiment=experiments_where(is_saltelli),
    conda:
        "../envs/hhcore.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(1500),
        runtime=times_attempt(10),
    params:
        code=code_digest(
            "figures",
            "protocols/results.py",
            "protocols/sensitivity/indices.py",
            "base/units.py",
        ),
        texts=lambda wildcards: EXPERIMENTS[wildcards.experiment].model.text_digest,
    message:
        "{wildcards.experiment}: draw the Sobol indices"
    script:
        "../scripts/sobol_figure.py"
