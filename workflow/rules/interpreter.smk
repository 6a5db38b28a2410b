# Snakemake starts scripts by the path of this Python without quotes, so that a shell splits it at a space. From a folder
# with a space in its name, jobs get the same environment by a link in the folder of the kernels.
import hashlib
import shlex

from hhcore.compile.cache import cache_directory


def one_word(executable):
    """The path of an interpreter, or one through a link to its environment, that a shell takes as one word."""
    if shlex.quote(executable) == executable:
        return executable
    environment = Path(executable).parent.parent
    link = cache_directory() / f"python-{hashlib.blake2b(os.fsencode(environment), digest_size=8).hexdigest()}"
    try:
        link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(environment)
    except OSError as error:
        sys.exit(f"Error. {executable!r} has a space in its path, and no link to it can be made as {link} ({error})")
    if shlex.quote(str(link)) != str(link):
        sys.exit(
            f"Error. {executable!r} and the folder of kernels, {str(cache_directory())!r}, both have a space in their "
            "paths, or another character that a shell takes apart; set HHCORE_CACHE to a folder without, or move this one"
        )
    return str(link / Path(executable).relative_to(environment))


sys.executable = one_word(sys.executable)
