# The rules of analyses. The outputs of an analysis do not depend on wildcards, so each set of analyses that occurs in
# the config has a rule for its tables and one for its figures.
for name, (members, experiments) in groups(lambda analysis: analysis.source == "neurons" or analysis.late).items():
    job = f"tables_{name}" if passes(members) else name

    rule:
        name:
            job
        input:
            forced_if_stale,
            shards=shards if passes(members) else [],
            numerics="results/{experiment}/numerics.parquet",
            tables=tables_before(members),
        output:
            **table_outputs(members),
        log:
            f"results/logs/{{experiment}}/{job}.log",
        wildcard_constraints:
            experiment="|".join(experiments),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=times_attempt(of_experiment(resources.tables_mb, names_of(members))),
            runtime=times_attempt(of_experiment(resources.tables_minutes, names_of(members))),
        params:
            late={analysis.name: analysis.tables[0].name for analysis in members if analysis.late},
            recipes=recipes_of_outputs(table_files(members)),
        message:
            "{wildcards.experiment}: put the tables together"
        script:
            "../scripts/tables.py"


for name, (members, experiments) in groups(lambda analysis: analysis.figures).items():

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
        wildcard_constraints:
            experiment="|".join(experiments),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=times_attempt(of_experiment(resources.figures_mb)),
            runtime=times_attempt(of_experiment(resources.figures_minutes)),
        params:
            names=names_of(members),
            recipes=recipes_of_outputs(figure_files(members)),
        message:
            "{wildcards.experiment}: draw figures"
        script:
            "../scripts/figures.py"
