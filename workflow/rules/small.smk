# Small experiments: one job makes all, since jobs take longer to start than such an experiment to simulate. Its outputs
# are kept when it runs again, and it makes those that are not current.
for name, (members, experiments) in groups(SMALL, lambda analysis: True).items():

    rule:
        name:
            f"experiment_{name}"
        input:
            forced_if_stale,
        output:
            **whole_outputs(members),
        log:
            "results/logs/{experiment}/experiment.log",
        wildcard_constraints:
            experiment=only(experiments),
        conda:
            ENVIRONMENT
        threads: threads_each(EXPERIMENTS)
        resources:
            mem_mb=times_attempt(of_experiment(resources.whole_mb)),
            runtime=times_attempt(of_experiment(resources.whole_minutes)),
        params:
            recipes=recipes_of_outputs([*table_files(members), *figure_files(members)]),
            shard=of_experiment(config_digest),
        message:
            "{wildcards.experiment}: simulate, put the tables together, draw"
        script:
            "../scripts/experiment.py"
