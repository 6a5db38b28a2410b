rule tables:
    input:
        shards=shards,
        numerics="results/{experiment}/numerics.parquet",
    output:
        features=table("features", "features", "Features, one row per neuron"),
        spikes="results/{experiment}/spikes.parquet",
        failures="results/{experiment}/failures.parquet",
        fi_curves=table("fi_curves", "fi_curves_table", "F-I curves"),
        fi_summary=table("fi_summary", "fi_summary", "F-I summary, one row per curve"),
        summary=summary_page(),
    log:
        "results/logs/{experiment}/tables.log",
    benchmark:
        "results/benchmarks/{experiment}/tables.tsv"
    wildcard_constraints:
        experiment=of_protocol("step"),
    conda:
        "../envs/hhcore.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(resources.tables_mb),
        runtime=times_attempt(resources.tables_minutes),
    params:
        context=lambda wildcards: context_digest(EXPERIMENTS[wildcards.experiment]),
        grid=lambda wildcards: grid_digest(EXPERIMENTS[wildcards.experiment]),
        code=code_digest(
            "sweep/gather.py",
            "simulation/features.py",
            "simulation/spike_trains.py.in",
            "protocols/fi/curves.py",
            "simulation/beats.py",
            "base/tables.py",
            "protocols/results.py",
            "protocols/summary.py",
            "base/units.py",
            "certify/certificate.py",
        ),
        texts=lambda wildcards: EXPERIMENTS[wildcards.experiment].model.text_digest,
    message:
        "{wildcards.experiment}: put the tables together"
    script:
        "../scripts/tables.py"


use rule tables as beat_tables with:
    output:
        features=table("features", "beat_features", "Features, one row per neuron"),
        spikes="results/{experiment}/spikes.parquet",
        failures="results/{experiment}/failures.parquet",
        beats=table("beats", "beats", "Action potentials, one row per beat"),
        summary=summary_page(),
    wildcard_constraints:
        experiment=of_protocol("pulse_train"),
