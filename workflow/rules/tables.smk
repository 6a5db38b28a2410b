rule tables:
    input:
        shards=shards,
        numerics="results/{experiment}/numerics.parquet",
    output:
        features=report(
            "results/{experiment}/features.parquet",
            caption="../report/features.rst",
            category="{experiment}",
            subcategory="Tables",
            labels={"table": "Features, one row per neuron"},
        ),
        spikes="results/{experiment}/spikes.parquet",
        failures="results/{experiment}/failures.parquet",
        fi_curves=report(
            "results/{experiment}/fi_curves.parquet",
            caption="../report/fi_curves_table.rst",
            category="{experiment}",
            subcategory="Tables",
            labels={"table": "F-I curves"},
        ),
        fi_summary=report(
            "results/{experiment}/fi_summary.parquet",
            caption="../report/fi_summary.rst",
            category="{experiment}",
            subcategory="Tables",
            labels={"table": "F-I summary, one row per curve"},
        ),
        summary=report(
            "results/{experiment}/summary.html",
            caption="../report/summary.rst",
            category="{experiment}",
            subcategory="What was run",
            labels={"table": "Model, grid, solver, versions, counts"},
        ),
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
        mem_mb=more_each_time(2000),
        runtime=more_each_time(20),
    params:
        context=lambda wildcards: context_digest(EXPERIMENTS[wildcards.experiment]),
        grid=lambda wildcards: grid_digest(EXPERIMENTS[wildcards.experiment]),
        code=code_digest(
            "gather.py",
            "features.py",
            "spike_trains.py.in",
            "fi.py",
            "beats.py",
            "tables.py",
            "results.py",
            "summary.py",
            "quantities.py",
            "certificate.py",
        ),
        texts=lambda wildcards: EXPERIMENTS[wildcards.experiment].model.text_digest,
    message:
        "{wildcards.experiment}: put the tables together"
    script:
        "../scripts/tables.py"


use rule tables as beat_tables with:
    output:
        features=report(
            "results/{experiment}/features.parquet",
            caption="../report/beat_features.rst",
            category="{experiment}",
            subcategory="Tables",
            labels={"table": "Features, one row per neuron"},
        ),
        spikes="results/{experiment}/spikes.parquet",
        failures="results/{experiment}/failures.parquet",
        beats=report(
            "results/{experiment}/beats.parquet",
            caption="../report/beats.rst",
            category="{experiment}",
            subcategory="Tables",
            labels={"table": "Action potentials, one row per beat"},
        ),
        summary=report(
            "results/{experiment}/summary.html",
            caption="../report/summary.rst",
            category="{experiment}",
            subcategory="What was run",
            labels={"table": "Model, grid, solver, versions, counts"},
        ),
    wildcard_constraints:
        experiment=of_protocol("pulse_train"),
