import errno
import fcntl
import os
import socket

from hhcore.base.errors import one_message


def release_lock_of_the_dead():
    """Remove Snakemake's lock of this folder if the Snakemake that held it was killed on this machine.

    Snakemake's lock is a file, which outlives its owner. This lock is the kernel's, which frees it when its owner ends:
    a run that gets it is the only one on this machine. Some shared file systems grant it on every machine (Lustre with
    localflock, NFS with local_lock), so the file also names the machine of the last run.
    """
    Path(".snakemake").mkdir(exist_ok=True)
    held = open(".snakemake/hhcore.lock", "a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another run is active, or the file system has no such locks: Snakemake's own lock decides
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
    """Raise OSError if this folder or results/ is read-only, or too full for the files of Snakemake itself."""
    for folder in filter(os.path.exists, [os.getcwd(), "results"]):
        disk, reason = os.statvfs(folder), None
        if not os.access(folder, os.W_OK):
            reason = errno.EROFS if disk.f_flag & os.ST_RDONLY else errno.EACCES
        elif disk.f_blocks and disk.f_bavail * disk.f_frsize < 100_000:  # some file systems report no size
            reason = errno.ENOSPC
        if reason:
            raise OSError(reason, os.strerror(reason), folder)


if workflow.is_main_process:
    with one_message(Path(os.devnull)):
        if not workflow.output_settings.dryrun:
            check_writable()
        LOCK = release_lock_of_the_dead()
