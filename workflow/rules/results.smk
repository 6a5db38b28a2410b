# The rules of analyses. The outputs of an analysis do not depend on wildcards, so each set of analyses that occurs in
# the config has rules of its own. Late tables, and their figures, have jobs that can run beside others.
TABLES = groups(LARGE, lambda analysis: analysis.source == "neurons")
FIGURES = groups(LARGE, lambda analysis: analysis.figures and not analysis.late)

for name, (members, experiments) in ({f"tables_{name}": job for name, job in TABLES.items()} | late_analyses()).items():

    rule:
        """Make tables of a large experiment."""
        name:
            name
        input:
            forced_if_stale,
            shards=shards if passes(members) else [],
            numerics="results/{experiment}/numerics.parquet",
            tables=tables_read(members),
        output:
            **table_outputs(members),
        log:
            f"results/logs/{{experiment}}/{name}.log",
        wildcard_constraints:
            experiment=only(experiments),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=times_attempt(of_experiment(resources.tables_mb, names_of(members))),
            runtime=times_attempt(of_experiment(resources.tables_minutes, names_of(members))),
        params:
            late=[analysis.name for analysis in members if analysis.late],
            recipes=recipes_of_outputs(table_files(members)),
        message:
            "{wildcards.experiment}: "
            + ("put the tables together" if passes(members) else f"make the tables of {name}")
        script:
            "../scripts/tables.py"


for name, (members, experiments) in (FIGURES | late_analyses()).items():

    rule:
        """Draw figures of a large experiment."""
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
            experiment=only(experiments),
        conda:
            ENVIRONMENT
        threads: threads_each(LARGE)
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
