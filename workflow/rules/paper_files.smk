# Papers, each a folder in papers/ of this repository, or of the folder where the results go.
from hhcore.papers.paper import papers

PAPER_FOLDERS = [Path("papers"), *([Path(workflow.current_basedir, "../../papers").resolve()] if LOCAL else [])]
PAPERS = papers(*PAPER_FOLDERS)


def paper_files(name):
    """What is made of a paper."""
    return [f"results/papers/{name}/{file}" for file in PAPERS[name].files]


def forced_if_another(name):
    """As `forced_if_stale`, for a paper."""
    return lambda wildcards: forced(lambda: stale((placed(file), PAPERS[name].recipe) for file in paper_files(name)))


def paper_pages():
    """What the user opens after this run: the report of all papers, or the pages of those that were asked for."""
    made = {file for job in workflow.dag.jobs for file in job.output}
    pages = ["results/papers/report.html", *(f"results/papers/{name}/page.html" for name in PAPERS)]
    pages = [placed(page) for page in pages if placed(page) in made]
    return pages[:1] if pages[:1] == [placed("results/papers/report.html")] else pages


def paper_outputs(name):
    """The files of a paper: the page, the numbers, and each figure as SVG are in a report, under the word of a label."""
    labels = {"numbers.parquet": "Numbers", "page.html": "Page"}
    labels |= {f"figures/{figure}.svg": drawn.caption for figure, drawn in PAPERS[name].figures.items()}

    def output(file):
        path, label = f"results/papers/{name}/{file}", labels.get(file)
        return report(path, category="Papers", subcategory=name, labels={"file": label}) if label else path

    return [output(file) for file in PAPERS[name].files]
