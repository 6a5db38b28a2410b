# The workflow lives in workflow/; this file lets a plain `snakemake` find it from here.


include: "workflow/Snakefile"


# Snakemake forgets the default target of an included file.
workflow.default_target = "all"
