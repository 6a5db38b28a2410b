import errno
import fcntl
import os
import socket
import sys

from snakemake.logging import logger

from hhcore.base.errors import one_message
from hhcore.base.lock import shared


def hold_lock():
    """Hold a lock of the kernel until this process ends, and remove what Snakemake's own lock has left of the dead.

    Snakemake's lock is files, which outlive a killed run. The kernel frees its own lock when the holder ends. All that
    may lock this folder hold it together; who gets it alone is the only one on this machine, so that files that are
    there belong to no living process of it. Some shared file systems grant it on every machine (Lustre with localflock,
    NFS with local_lock), so the lock also names the machine that the files come from.
    """
    Path(".snakemake").mkdir(exist_ok=True)
    held = open(".snakemake/hhcore.lock", "a+")
    try:
        alone = is_alone(held)
        files, machine = list(Path(".snakemake/locks").glob("*.lock")), socket.gethostname()
        held.seek(0)
        if alone and held.read() == machine:
            while files:
                files.pop().unlink(missing_ok=True)
        if not files:
            held.truncate(0)
            held.write(machine)
            held.flush()
        fcntl.flock(held, fcntl.LOCK_SH)
    except OSError:  # a file system without such locks: that of Snakemake decides
        return None
    return held


def is_alone(held):
    """Whether nobody else on this machine holds the lock; if so, it is locked for others until it is shared."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def check_writable():
    """Raise OSError if this folder or results/ is read-only, or too full for the files of Snakemake itself."""
    for folder in filter(os.path.exists, [os.getcwd(), placed("results")]):
        disk, reason = os.statvfs(folder), None
        if not os.access(folder, os.W_OK):
            reason = errno.EROFS if disk.f_flag & os.ST_RDONLY else errno.EACCES
        elif disk.f_blocks and disk.f_bavail * disk.f_frsize < 100_000:  # some file systems report no size
            reason = errno.ENOSPC
        if reason:
            raise OSError(reason, os.strerror(reason), folder)


if workflow.output_settings.dryrun:  # it locks nothing, and needs no word on a run that does
    logger.addFilter(lambda record: "Directory cannot be locked" not in record.getMessage())
elif workflow.is_main_process:
    with one_message(Path(os.devnull)):
        check_writable()
        if "--nolock" not in sys.argv:
            here = EXPERIMENTS if workflow.storage_settings.default_storage_provider is None else ()
            LOCKS = [hold_lock(), *(shared(Path(placed("results"), name)) for name in here)]
