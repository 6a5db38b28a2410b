# What the log says of jobs that were ended for what they lacked, here or by SLURM, and what helps.
HELP = {
    "SIGKILL|SIGABRT|'OUT_OF_MEMORY'": "A job was killed. Most often it ran out of memory: give it more, on a cluster by "
    "`--set-resources RULE:mem_mb=...`, or run fewer at a time by `--cores`",
    "'TIMEOUT'": "A job took longer than it was given: give it more minutes by `--set-resources RULE:runtime=...`",
    "Errno 28|Errno 122": "The disk of this folder is full, or your quota is used up: free space",
    "older modification time": "The clock was set back, or those of two machines disagree: set them right, then "
    "`touch now; find results -exec touch -r now {} +` makes all files as old as each other; no result depends on times",
}


onerror:
    said = "".join(Path(file).read_text() for file in ([log] if isinstance(log, str) else log))
    for sign, advice in HELP.items():
        if re.search(sign, said):
            print(f"{advice}. The same command goes on from here.", file=sys.stderr)


onsuccess:
    print(time_shares(), files_to_open(), sep="\n", file=sys.stderr)
