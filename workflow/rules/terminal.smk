# What a user sees of a run on this machine: what will be done, a bar that moves (in a file: a line for each job), what
# went wrong, and what to open. Snakemake's own lines are in its log, and on the terminal with --verbose, --quiet or
# --logger, which are left as they are; so is a cluster's run, and a workflow that uses this one as a module.
import logging
import tempfile
import time

from snakemake.logging import ColorizingTextHandler, get_event, logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from hhcore.base.board import FOLDER, Board, duration_text
from hhcore.base.words import counted
from hhcore.certify.expected import calibration_s
from hhcore.sweep.estimate import estimates_text, missing_s
from hhcore.sweep.held import held

# Beginnings of what Snakemake says in every run.
ROUTINE = (
    *("Assuming unrestricted shared", "Building DAG", "Using shell:", "Conda environments: ignored"),
    *("Select jobs to execute", "Execute ", "Shutting down, this", "Elapsed time:"),
)
# What a job that fails does with the results that it was to replace: the docs say so, once.
KEPT_BACK = ("Restored previous version of", "Cannot restore")
STARTED = time.monotonic()
LAST_LINES = 20  # of the log of a job that failed


class Terminal(ColorizingTextHandler):
    """Shows the records of Snakemake on the stream of its own handler, in place of which it is put."""

    def __init__(self, default):
        super().__init__(default.nocolor, default.stream, default.formatter)
        self.filters, self.name = default.filters, default.name
        self.board = self.folder = None
        self.jobs = {}  # number: what it does, its stage, and when it began
        self.worked = {}  # stage: seconds of its jobs
        self.as_it_is = self.told = False
        self.routine = (*ROUTINE, "Complete log")

    def emit(self, record):
        event, text = get_event(record), str(record.msg or "")
        if self.as_it_is:
            super().emit(record)
        elif record.levelno >= logging.WARNING:
            if not text.startswith(KEPT_BACK):
                self.warn(record)
        elif event == LogEvent.RUN_INFO or text.startswith("Nothing to be done"):
            self.begin(text)
        elif event == LogEvent.JOB_INFO and self.board:
            stage = re.sub("^(experiment|tables|figures)_.*", r"\1", record.rule_name)
            self.jobs[record.jobid] = record.rule_msg or record.rule_name, stage, time.monotonic()
            self.board.start(record.jobid, self.jobs[record.jobid][0], *record.log[:1])
        elif event == LogEvent.JOB_FINISHED and self.board:
            self.finish(record.job_id)
        elif event == LogEvent.SHELLCMD or not (event or self.told or text.startswith(self.routine)):
            self.write(self.format(record))

    def begin(self, text):
        """Say what will be done; begin to show the jobs of a run."""
        if workflow.non_local_exec:
            self.as_it_is = True
            self.write("\n".join(filter(None, [text, costs(asked())])))
        elif text.startswith("Nothing"):
            if not self.told:
                self.write("\n".join(filter(None, [text, files_to_open()])))
            self.told = self.told or workflow.dryrun
        elif workflow.dryrun:
            if not self.told:
                self.write("\n\n".join(filter(None, [text.rstrip(), costs(asked())])))
            self.told = True  # the rest of a dry run is one paragraph a job
        elif workflow.touch:  # no job runs
            self.write(f"{text}\nTheir files count as new; the next run makes again what was made by another recipe")
            self.told = True
        else:
            seconds, whole = expected_seconds()
            size = f"{counted(len(seconds), 'job')} on {counted(workflow.cores, 'core')}"
            self.write("\n".join(filter(None, [costs(asked()), f"{size}, about {duration_text(whole)}"])))
            self.folder = tempfile.TemporaryDirectory(prefix="hhcore-board-", ignore_cleanup_errors=True)
            os.environ[FOLDER] = self.folder.name
            self.board = Board(seconds, whole, self.stream) if seconds else None

    def finish(self, job):
        """Count the seconds of a job that has ended."""
        self.board.finish(job)
        _, stage, began = self.jobs[job]
        if stage not in ("all", "none_failed"):
            self.worked[stage] = self.worked.get(stage, 0.0) + time.monotonic() - began

    def warn(self, record):
        """Show a warning or an error; of a job that failed, the end of its log."""
        self.routine = ROUTINE
        if get_event(record) == LogEvent.JOB_ERROR and self.board:
            self.board.drop(record.jobid)
            text, *_ = self.jobs.get(record.jobid, ("",))
            lines = [f"Error in rule {record.rule_name} ({text}), log {', '.join(record.log)}"]
            lines += [f"  {line}" for log in record.log for line in last_lines(log)]
            self.write(self.decorate(record, "\n".join(lines)))
        elif not str(record.msg).strip().endswith("non-zero exit status 1."):  # as every job whose log says why
            self.write(self.decorate(record, self.format(record)))

    def write(self, text):
        if self.board:
            self.board.write(text)
        elif text:
            print(text, file=self.stream, flush=True)

    def close(self):
        if self.board:
            self.board.close()
            os.environ.pop(FOLDER, None)
            self.folder.cleanup()
            self.board = None
        super().close()


def last_lines(log):
    """The sentence of a mistake at the end of a log, else its last lines."""
    try:
        lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return lines[-1:] if lines and lines[-1].startswith("Error. ") else lines[-LAST_LINES:]


@cache
def kept():
    """The neurons of each experiment in the store; none are known of results in a storage."""
    if workflow.storage_settings.default_storage_provider is not None:
        return {}
    return {name: held(e, ESTIMATES[name].shards, Path(placed("results"), name)) for name, e in EXPERIMENTS.items()}


def asked():
    """The experiments that have jobs in this run; a paper needs none."""
    found = {job.wildcards_dict.get("experiment") for job in workflow.dag.jobs}
    return [name for name in EXPERIMENTS if name in found]


def costs(names=tuple(EXPERIMENTS)):
    """The cost of each of some experiments, a line each."""
    estimates = {name: ESTIMATES[name] for name in names}
    return estimates_text(estimates, {name: calibration_s(EXPERIMENTS[name]) for name in names}, kept())


def expected_seconds():
    """The seconds of work that each job of this run will take, by its number, and about how long the run will take."""
    jobs = {job: job_seconds(job) for job in workflow.dag.needrun_jobs() if not job.rule.norun}

    @cache
    def until(job):
        before = [until(one) for one in workflow.dag.dependencies[job] if one in jobs]
        return jobs[job] / max(1, job.threads) + max(before, default=0.0)

    whole = max([sum(jobs.values()) / workflow.cores, *map(until, jobs)])
    return {job.jobid: seconds for job, seconds in jobs.items()}, whole


def job_seconds(job):
    """About how many seconds of work a job takes."""
    name = job.wildcards_dict.get("experiment")
    work = resources.work_s(job.rule.name, EXPERIMENTS.get(name))
    if "shard" in job.output.keys():
        work += missing_s(ESTIMATES[name], kept().get(name)) / len(ESTIMATES[name].shards)
    return work


def time_shares():
    """How long the run took, and the seconds of work of each stage where they are counted."""
    worked = TERMINAL.worked if TERMINAL else {}
    total = sum(worked.values())
    shares = [f"{stage} {s:.1f} s ({s / total:.0%})" for stage, s in sorted(worked.items(), key=lambda x: -x[1])]
    return f"Finished in {time.monotonic() - STARTED:.0f} s.{' Work: ' if shares else ''}{', '.join(shares)}"


def take_terminal():
    """Put a `Terminal` in the place of Snakemake's own handler. Returns it, or None where that is to stay."""
    settings = workflow.output_settings
    default = [handler for handler in logger.handlers if handler.name == "DefaultStreamHandler"]
    own = settings.verbose or settings.debug_dag or settings.quiet or not workflow.modifier.is_main_snakefile()
    if own or not default or not workflow.is_main_process:
        return None
    logger.removeHandler(default[0])
    logger.addHandler(Terminal(default[0]))
    return logger.handlers[-1]


TERMINAL = take_terminal()
if workflow.is_main_process and not TERMINAL and Quietness.ALL not in (workflow.output_settings.quiet or ()):
    print(costs(), file=sys.stderr)
