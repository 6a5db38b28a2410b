# A rule for each paper, named like its folder: `snakemake papers/hodgkin_huxley_1952` makes it. None is part of `all`.
for name in PAPERS:

    rule:
        """Make a paper again: its tables, its numbers beside ours, its figures."""
        name:
            f"papers/{name}"
        input:
            forced_if_another(name),
        output:
            paper_outputs(name),
        log:
            f"results/logs/papers/{name}.log",
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=times_attempt(2000),
            runtime=times_attempt(30),
        params:
            recipe=lambda wildcards, paper=PAPERS[name]: paper.recipe,
            folder=lambda wildcards, input, folder=PAPERS[name].folder: str(folder),  # with `input`, as for the report
        message:
            f"Paper {name}"
        script:
            "../scripts/paper.py"


rule papers:
    """Write results/papers/report.html, with every paper."""
    input:
        [file for name in PAPERS for file in paper_files(name)],
    output:
        "results/papers/report.html",
    log:
        "results/logs/papers/report.log",
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        recipe=lambda wildcards: digest(*(paper.recipe for paper in PAPERS.values())),
        folders=lambda wildcards, input: [str(paper.folder) for paper in PAPERS.values()],
    message:
        "Write the report of the papers"
    script:
        "../scripts/papers.py"
