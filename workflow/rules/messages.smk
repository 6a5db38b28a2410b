# Signs in the log, Snakemake's or SLURM's, that a job lacked something, and what helps.
HELP = {
    "SIGKILL|SIGABRT|'OUT_OF_MEMORY'": "A job was killed. Most often it ran out of memory: give it more, on a cluster "
    "with `--set-resources RULE:mem_mb=...`, or run fewer jobs at a time with `--cores`",
    "'TIMEOUT'": "A job exceeded its time limit: give it more minutes with `--set-resources RULE:runtime=...`",
    "Errno 28|Errno 122": "The disk of this folder is full, or your quota is used up: free space",
    "older modification time": "The clock was set back, or the clocks of two machines disagree: set them right, then "
    "run `touch now; find results -exec touch -r now {} +` to give all files the same age; no result depends on times",
}


onerror:
    text = "".join(Path(file).read_text() for file in ([log] if isinstance(log, str) else log))
    for sign, advice in HELP.items():
        if re.search(sign, text):
            logger.error(f"{advice}. The same command goes on from here.")


onsuccess:
    if not workflow.touch:
        logger.info("\n".join(filter(None, [time_shares(), files_to_open()])))
