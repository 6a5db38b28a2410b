rule figures:
    input:
        features="results/{experiment}/features.parquet",
        fi_curves="results/{experiment}/fi_curves.parquet",
        fi_summary="results/{experiment}/fi_summary.parquet",
        numerics="results/{experiment}/numerics.parquet",
    output:
        fi_curves=figure("fi_curves", "fi_curves", "F-I curves"),
        spike_count_map=figure("spike_count_map", "spike_count_map", "Spike count"),
        rheobase_map=figure("rheobase_map", "rheobase_map", "Rheobase"),
        oscillation_range=figure("oscillation_range", "oscillation_range", "Range of the potential"),
        work_precision=figure("work_precision", "work_precision", "Work and precision"),
        accuracy_map=figure("accuracy_map", "accuracy_map", "Spike-time error"),
    log:
        "results/logs/{experiment}/figures.log",
    benchmark:
        "results/benchmarks/{experiment}/figures.tsv"
    wildcard_constraints:
        experiment=grids_of("step"),
    conda:
        "../envs/hhcore.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(resources.figures_mb),
        runtime=times_attempt(resources.figures_minutes),
    params:
        code=code_digest("figures", "protocols/results.py", "base/units.py"),
        texts=lambda wildcards: EXPERIMENTS[wildcards.experiment].model.text_digest,
    message:
        "{wildcards.experiment}: draw the figures of the grid"
    script:
        "../scripts/figures.py"


use rule figures as beat_figures with:
    input:
        features="results/{experiment}/features.parquet",
        beats="results/{experiment}/beats.parquet",
        numerics="results/{experiment}/numerics.parquet",
    output:
        restitution=figure("restitution", "restitution", "Restitution"),
        apd_map=figure("apd_map", "apd_map", "Action potential duration"),
        work_precision=figure("work_precision", "work_precision", "Work and precision"),
        accuracy_map=figure("accuracy_map", "accuracy_map", "Spike-time error"),
    wildcard_constraints:
        experiment=grids_of("pulse_train"),


rule trace_figure:
    input:
        "results/{experiment}/traces.parquet",
    output:
        figure("traces", "traces", "Example traces"),
    log:
        "results/logs/{experiment}/trace_figure.log",
    benchmark:
        "results/benchmarks/{experiment}/trace_figure.tsv"
    conda:
        "../envs/hhcore.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(1500),
        runtime=times_attempt(10),
    params:
        code=code_digest("figures", "protocols/results.py", "base/units.py"),
        texts=lambda wildcards: EXPERIMENTS[wildcards.experiment].model.text_digest,
    message:
        "{wildcards.experiment}: draw the traces"
    script:
        "../scripts/trace_figure.py"
