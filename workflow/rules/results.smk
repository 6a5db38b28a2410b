# The rules of analyses. The outputs of an analysis do not depend on wildcards, so each set of analyses in the config
# has a rule for its tables from the pass over all neurons, and one for its figures. Other tables have a rule for each
# analysis. Lambdas in these loops bind the name as a default, since Snakemake calls them after the loop.
for name, (members, experiments) in groups(lambda analysis: analysis.source == "neurons").items():

    rule:
        name:
            f"tables_{name}"
        input:
            shards=shards,
            numerics="results/{experiment}/numerics.parquet",
        output:
            **table_outputs(members),
            summary=entry(
                "results/{experiment}/summary.html",
                captions("summary.rst"),
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
            context=of_experiment(context_digest),
            grid=of_experiment(grid_digest),
            code=code_digest(*dependencies.tables(members)),
            texts=of_experiment(model_texts),
        message:
            "{wildcards.experiment}: put the tables together"
        script:
            "../scripts/tables.py"


for name, ([analysis], experiments) in late_analyses().items():

    rule:
        name:
            name
        input:
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
            context=of_experiment(context_digest),
            settings=lambda wildcards, name=name: analysis_of(wildcards, name).settings,
            code=code_digest(*dependencies.own_tables(analysis)),
            texts=of_experiment(model_texts),
        message:
            f"{{wildcards.experiment}}: make the tables of {name}"
        script:
            "../scripts/own_tables.py"


for name, (members, experiments) in figure_groups().items():

    rule:
        name:
            f"figures_{name}"
        input:
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
            code=code_digest(*dependencies.figures(members)),
            texts=of_experiment(model_texts),
        message:
            "{wildcards.experiment}: draw figures"
        script:
            "../scripts/figures.py"
