# The workflow lives in workflow/; this file lets a plain `snakemake` find it from here.


include: "workflow/Snakefile"
