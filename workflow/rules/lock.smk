import fcntl


def release_lock_of_the_dead():
    """Take away Snakemake's lock of this folder if the Snakemake that held it has been killed.

    Snakemake's lock is a file, which outlives it. This one is the kernel's, which frees it with its owner: whoever gets
    it knows that no other run is going on here.
    """
    Path(".snakemake").mkdir(exist_ok=True)
    held = open(".snakemake/hhcore.lock", "w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another run is going on, or the file system has no such locks: Snakemake's own lock decides
        return None
    for file in Path(".snakemake/locks").glob("*.lock"):
        file.unlink(missing_ok=True)
    return held


if workflow.is_main_process:
    LOCK = release_lock_of_the_dead()
