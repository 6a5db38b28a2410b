# The rules of analyses. The outputs of an analysis do not depend on wildcards, so each set of analyses in the config
# has a rule for its tables from the pass over all neurons, and one for its figures. Other tables have a rule for each
# analysis. Lambdas in these loops bind the name as a default, since Snakemake calls them after the loop.
for name, (members, experiments) in groups(lambda analysis: analysis.source == "neurons").items():

    rule:
        name:
            f"tables_{name}"
        input:
            forced_if_stale,
            shards=shards,
            numerics="results/{experiment}/numerics.parquet",
        output:
            **table_outputs(members),
            summary=entry(
                "results/{experiment}/summary.html",
                "../report/summary.rst",
                "What was run",
                table="Model, grid, solver, versions, counts",
            ),
        log:
            "results/logs/{experiment}/tables.log",
        benchmark:
            "results/benchmarks/{experiment}/tables.tsv"
        wildcard_constraints:
            experiment="|".join(experiments),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=times_attempt(of_experiment(resources.tables_mb)),
            runtime=times_attempt(of_experiment(resources.tables_minutes)),
        params:
            recipe=recipe_of_output("summary.html"),
        message:
            "{wildcards.experiment}: put the tables together"
        script:
            "../scripts/tables.py"


for name, ([analysis], experiments) in late_analyses().items():

    rule:
        name:
            name
        input:
            forced_if_stale,
            kernels=kernels if analysis.source == "model" else [],
            numerics="results/{experiment}/numerics.parquet",
            tables=lambda wildcards, name=name: tables_read(wildcards, name),
        output:
            **table_outputs([analysis]),
        log:
            f"results/logs/{{experiment}}/{name}.log",
        benchmark:
            f"results/benchmarks/{{experiment}}/{name}.tsv"
        wildcard_constraints:
            experiment="|".join(experiments),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=times_attempt(lambda wildcards, name=name: analysis_of(wildcards, name).megabytes()),
            runtime=times_attempt(lambda wildcards, name=name: analysis_of(wildcards, name).minutes()),
        params:
            name=name,
            recipe=recipe_of_output(f"{analysis.tables[0].name}.parquet"),
        message:
            f"{{wildcards.experiment}}: make the tables of {name}"
        script:
            "../scripts/own_tables.py"


for name, (members, experiments) in figure_groups().items():

    rule:
        name:
            f"figures_{name}"
        input:
            forced_if_stale,
            drawn_tables(members),
        output:
            figure_outputs(members),
        log:
            f"results/logs/{{experiment}}/figures_{name}.log",
        benchmark:
            f"results/benchmarks/{{experiment}}/figures-{name}.tsv"
        wildcard_constraints:
            experiment="|".join(experiments),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=times_attempt(of_experiment(resources.figures_mb)),
            runtime=times_attempt(of_experiment(resources.figures_minutes)),
        params:
            names=[analysis.name for analysis in members],
            recipe=recipe_of_output(first_figure(members)),
        message:
            "{wildcards.experiment}: draw figures"
        script:
            "../scripts/figures.py"
