import errno
import fcntl
import os
import socket

from hhcore.base.errors import one_message


def release_lock_of_the_dead():
    """Take away Snakemake's lock of this folder if the Snakemake that held it has been killed on this machine.

    Snakemake's lock is a file, which outlives it. This one is the kernel's, which frees it with its owner: whoever gets
    it knows that no other run is going on here. It tells nothing of other machines, since some shared file systems grant
    it on each of them (Lustre with localflock, NFS with local_lock): it names the machine of the last run.
    """
    Path(".snakemake").mkdir(exist_ok=True)
    held = open(".snakemake/hhcore.lock", "a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another run is going on, or the file system has no such locks: Snakemake's own lock decides
        return None
    held.seek(0)
    locks, machine = list(Path(".snakemake/locks").glob("*.lock")), socket.gethostname()
    if not locks or held.read() == machine:
        for file in locks:
            file.unlink(missing_ok=True)
        held.truncate(0)
        held.write(machine)
        held.flush()
    return held


def check_writable():
    """Say it if this folder or results/ is read-only, or so full that Snakemake cannot even note what it does."""
    for place in filter(os.path.exists, [os.getcwd(), "results"]):
        disk, lacks = os.statvfs(place), None
        if not os.access(place, os.W_OK):
            lacks = errno.EROFS if disk.f_flag & os.ST_RDONLY else errno.EACCES
        elif disk.f_blocks and disk.f_bavail * disk.f_frsize < 100_000:  # some file systems tell no size
            lacks = errno.ENOSPC
        if lacks:
            raise OSError(lacks, os.strerror(lacks), place)


if workflow.is_main_process:
    with one_message(Path(os.devnull)):
        if not workflow.output_settings.dryrun:
            check_writable()
        LOCK = release_lock_of_the_dead()
