"""Kill searches and the command at random moments, and count what is lost and left behind.

    python benchmarks/stress.py search --kills 20          # each signal, without workers
    python benchmarks/stress.py search --kills 20 --jobs 2
    python benchmarks/stress.py pair --seconds 300         # two processes on one study
    python benchmarks/stress.py command --kills 20 --jobs 2

A search acknowledges a trial when a callback is told of it; the journal must then hold it,
with the same value. After each signal: processes that live on after some seconds, temporary
folders, before and after the next start, and files of the command that are not whole.
"""

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import optuna
from sklearn.datasets import load_breast_cancer

from skdistill.model_selection._storage import open_storage

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STAGES = ("tree:", "logistic:", "* chosen", "wrote")  # of the command: explores, writes
PATIENCE = 30.0  # seconds for workers to finish their imports and notice that they are alone
SEARCH = """
    import sys
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier
    from skdistill import DistillationSearchCV, DistilledClassifier

    def acknowledge(study, trial):
        print("acknowledged", trial.number, trial.value, flush=True)

    X, y = load_breast_cancer(return_X_y=True)
    kd = DistilledClassifier(
        RandomForestClassifier(20, random_state=0), DecisionTreeClassifier(random_state=0),
        memory="memory",
    )
    search = DistillationSearchCV(
        kd, n_trials=10**6, cv=3, storage="study.log", study_name="stress",
        callbacks=[acknowledge], random_state=0, n_jobs=int(sys.argv[1]) or None,
    )
    print("begun", flush=True)
    search.fit(X, y)
"""


class Child:
    """A process of its own, whose children can be found by a mark in their environment."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.mark = f"stress-{time.monotonic_ns()}"
        (folder / "tmp").mkdir(exist_ok=True)
        self.output = (folder / f"{self.mark}.out").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=os.environ | {"TMPDIR": str(folder / "tmp"), "STRESS": self.mark},
            stdout=self.output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def said(self):
        """Lines so far."""
        return Path(self.output.name).read_text(errors="replace").splitlines()

    def wait_for(self, text, n_lines=1, limit=300):
        """Until so many lines begin so; whether it still runs then."""
        until = time.monotonic() + limit
        while sum(line.startswith(text) for line in self.said()) < n_lines:
            if self.process.poll() is not None or time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def end(self, number):
        """Send a signal; the exit code, and how many of its processes live on."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=120)
        until = time.monotonic() + PATIENCE
        while (left := self.living()) and time.monotonic() < until:
            time.sleep(0.2)
        return code, len(left)

    def living(self):
        """Numbers of the processes with the mark."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                marked = f"STRESS={self.mark}".encode() in (path / "environ").read_bytes()
                state = (path / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if marked and state != "Z":
                found.append(int(path.name))
        return found


def acknowledged(lines):
    """Value by number of the trials that a search has said to be done."""
    words = [line.split() for line in lines if line.startswith("acknowledged ")]
    return {int(number): float(value) for _, number, value in words}


def found(folder):
    """Value by number of the finished trials in the journal."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = open_storage(folder / "study.log")
    study = optuna.load_study(study_name="stress", storage=storage)
    return {t.number: t.value for t in study.trials if t.state.is_finished()}


def search(folder, options):
    """Searches of one study, ended one after the other."""
    draw = random.Random(options.seed)
    begin = ("-c", textwrap.dedent(SEARCH), str(options.jobs))
    for number in SIGNALS:
        told, kept = {}, Counter()
        for _ in range(options.kills):
            child = Child(folder, *begin)
            child.wait_for("begun")
            child.wait_for("acknowledged", draw.randrange(4))
            time.sleep(draw.uniform(0, options.within))
            _, left = child.end(number)
            kept["processes left"] += left
            told |= acknowledged(child.said())
        there = found(folder)
        lost = sum(there.get(number_) != value for number_, value in told.items())
        report(number, options.kills, acknowledged=len(told), lost=lost, **kept)
    before = len(list((folder / "tmp").iterdir()))
    last = Child(folder, *begin)
    last.wait_for("acknowledged")
    last.end(signal.SIGINT)
    after = len(list((folder / "tmp").iterdir()))
    report(
        "one more start", found=len(found(folder)), folders=f"{before} before, {after} after"
    )


def pair(folder, options):
    """Two processes on one study and one memory, killed and begun again."""
    draw = random.Random(options.seed)
    begin = ("-c", textwrap.dedent(SEARCH), str(options.jobs))
    children, until, kept, told = [], time.monotonic() + options.seconds, Counter(), {}
    while time.monotonic() < until:
        children = [one for one in children if one.process.poll() is None]
        while len(children) < 2:
            children.append(Child(folder, *begin))
            kept["begun"] += 1
        time.sleep(draw.uniform(2, 12))
        child = children.pop(draw.randrange(2))
        number = draw.choice(SIGNALS)
        failed = child.process.poll() is not None
        kept["ended by themselves"] += failed
        kept["killed"] += not failed
        kept["processes left"] += 0 if failed else child.end(number)[1]
        kept["tracebacks"] += any("JSONDecodeError" in line for line in child.said())
        told |= acknowledged(child.said())
    for child in children:
        child.end(signal.SIGINT)
        told |= acknowledged(child.said())
    there = found(folder)
    lost = sum(there.get(number) != value for number, value in told.items())
    last = Child(folder, *begin)
    last.wait_for("acknowledged")
    last.end(signal.SIGINT)
    kept["folders"] = len(list((folder / "tmp").iterdir()))
    report("pair", acknowledged=len(told), found=len(there), lost=lost, **kept)


def command(folder, options):
    """The command, ended while it reads, explores or writes."""
    draw = random.Random(options.seed)
    data = load_breast_cancer(as_frame=True).frame
    data.to_csv(folder / "data.csv", index=False)
    for number in SIGNALS:
        kept = Counter()
        for _ in range(options.kills):
            child = Child(
                folder, "-m", "skdistill", "auto", "data.csv", "--target", "target",
                "--out", "out", "--overwrite", "--trials", "3", "--students", "tree",
                "logistic", "--storage", f"{draw.random()}.log",
                *(["--jobs", str(options.jobs)] if options.jobs else []),
            )  # fmt: skip
            going = child.wait_for(stage := draw.choice(STAGES))
            time.sleep(draw.uniform(0, options.within))
            if not going or child.process.poll() is not None:
                kept["had ended"] += 1
                continue
            kept[stage] += 1
            code, left = child.end(number)
            kept[f"exit code {code}"] += 1
            kept["processes left"] += left
            kept["files"] += len(written := list((folder / "out").glob("[!.]*")))
            kept["files not whole"] += sum(not is_whole(path) for path in written)
            if number != signal.SIGKILL:
                kept["folders left"] += len(list((folder / "tmp").iterdir()))
                kept["folders left"] += len(list((folder / "out").glob(".writing-*")))
        report(number, options.kills, **kept)


def is_whole(path):
    """Whether a file can be read to its end."""
    try:
        if path.suffix == ".skops":
            return ZipFile(path).testzip() is None
        if path.suffix == ".json":
            return bool(json.loads(path.read_text()))
        if path.suffix == ".csv":
            return len({len(row) for row in csv.reader(path.open())}) == 1
        return path.read_text().rstrip().endswith("</html>")
    except (OSError, ValueError):
        return False


def report(what, *count, **figures):
    """One line."""
    name = what.name if isinstance(what, signal.Signals) else what
    print(name, *count, *(f"{key}: {value}" for key, value in figures.items()), sep="  ")
    sys.stdout.flush()


def main():
    """One of the three kinds of stress."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=["search", "pair", "command"])
    parser.add_argument("--kills", type=int, default=20, help="of each signal")
    parser.add_argument("--within", type=float, default=0.5, help="seconds until a signal")
    parser.add_argument("--seconds", type=float, default=300, help="of a pair")
    parser.add_argument("--jobs", type=int, default=0, help="worker processes; 0: none")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stress-") as folder:
        {"search": search, "pair": pair, "command": command}[options.kind](
            Path(folder), options
        )


if __name__ == "__main__":
    main()
