"""A throw-away SLURM cluster of several nodes on this one machine, on loopback, and nothing of it left afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SYSTEM = Path("/etc/slurm")  # where srun looks, whatever SLURM_CONF says: Snakemake's plugin does not pass that on
PORT = 26800
CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=5
MinJobAge=600
SlurmdTimeout=10
KillWait=2
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=1 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why there can be no such cluster here, "" if there can."""
    programs = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if shutil.which(name) is None]
    if programs:
        return f"{', '.join(programs)} not installed: apt-get install slurmctld slurmd slurm-client munge"
    if os.geteuid() != 0:
        return "only root can start slurmd"
    for link in (SYSTEM / "slurm.conf", SYSTEM / "cgroup.conf"):
        if os.path.lexists(link):
            return f"{link} is there: this machine has a SLURM of its own, or a killed test left its link"
    try:
        socket.getaddrinfo("127.0.0.1", PORT, socket.AF_INET, flags=socket.AI_ADDRCONFIG)  # as SLURM asks
    except OSError:
        return "SLURM finds no address, not even its own, on a machine without a network"
    return ""


@dataclass
class Cluster:
    """A running cluster. Its programs find it by `environment`."""

    folder: Path
    nodes: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def ask(self, *command: str) -> str:
        """What a program of SLURM prints."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout

    def pid(self, daemon: str) -> int:
        return int((self.folder / f"{daemon}.pid").read_text())

    def jobs(self) -> list[list[str]]:
        """(job, name, node, state) of every job that SLURM remembers."""
        return [line.split("|") for line in self.ask("squeue", "-h", "-t", "all", "-o", "%A|%j|%N|%T").splitlines()]

    def kill(self, node: str) -> None:
        """As if the node lost power: its daemons and all that runs under its jobs, at once."""
        for daemon in holders(self.folder / f"{node}.log"):
            for pid in family(daemon):
                end(pid, signal.SIGKILL)


def holders(file: Path) -> list[int]:
    """Processes that have a file open: of a node's log, its slurmd and the daemons of its jobs, and no one else's."""
    found = []
    for opened in Path("/proc").glob("[0-9]*/fd"):
        with suppress(OSError):  # it has ended meanwhile
            if any(os.path.realpath(entry) == str(file.resolve()) for entry in opened.iterdir()):
                found.append(int(opened.parent.name))
    return found


def family(pid: int) -> list[int]:
    """A process and all that descend from it, the youngest first."""
    children = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (thread / "children").read_text().split())
    return [p for child in children for p in family(child)] + [pid]


def end(pid: int, how: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it may have ended by itself
        os.kill(pid, how)


@contextmanager
def cluster(folder: Path, nodes: int = 2) -> Iterator[Cluster]:
    """A cluster of so many nodes of one core each, until the block ends; `missing` must have been asked."""
    for name in ("state", *(f"spool.n{i + 1}" for i in range(nodes))):
        (folder / name).mkdir(parents=True)
    names = tuple(f"n{i + 1}" for i in range(nodes))
    made = Cluster(folder, names)
    host = subprocess.run(["hostname", "-s"], capture_output=True, text=True, check=True).stdout.strip()
    ports = {"port": PORT, "first": PORT + 1, "last": PORT + nodes}
    (folder / "slurm.conf").write_text(CONFIG.format(folder=folder, host=host, nodes=nodes, **ports))
    (folder / "cgroup.conf").write_text("")
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    links = [SYSTEM / "slurm.conf", SYSTEM / "cgroup.conf"]
    was_there = SYSTEM.exists()
    SYSTEM.mkdir(exist_ok=True)
    try:
        for link in links:
            link.symlink_to(folder / link.name)
        start(made)
        yield made
    finally:
        stop(made)
        for link in links:
            if link.is_symlink() and link.readlink() == folder / link.name:
                link.unlink()
        if not was_there:
            SYSTEM.rmdir()


def start(made: Cluster) -> None:
    folder = made.folder
    paths = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
    paths["seed-file"] = "munge.seed"
    made.ask("munged", "--force", *(f"--{option}={folder / name}" for option, name in paths.items()))
    made.ask("slurmctld", "-c")
    for name in made.nodes:
        made.ask("slurmd", "-N", name)
    for _ in range(100):
        ready = subprocess.run(
            ["sinfo", "-h", "-N", "-t", "idle", "-o", "%N"], env=made.environment, capture_output=True, text=True
        ).stdout.split()
        if sorted(ready) == sorted(made.nodes):
            return
        time.sleep(0.2)
    logs = "\n".join(log.read_text()[-2000:] for log in folder.glob("*.log"))
    raise RuntimeError(f"the cluster did not come up\n{logs}")


def stop(made: Cluster) -> None:
    """End what was started and no more: the nodes with all their jobs, then the other daemons."""
    for node in made.nodes:
        made.kill(node)
    running = [made.pid(path.stem) for path in made.folder.glob("*.pid") if path.read_text().strip()]
    for how in (signal.SIGTERM, signal.SIGKILL):
        for pid in running:
            end(pid, how)
        for _ in range(20):
            running = [pid for pid in running if Path(f"/proc/{pid}").exists()]
            if not running:
                return
            time.sleep(0.1)
