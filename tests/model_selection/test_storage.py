"""Storages of a study after full disks, killed processes and files of another kind."""

import os
import re
import resource
import subprocess
import sys
import textwrap

import optuna
import pytest

from skdistill.model_selection._sampler import TPEByNumber
from skdistill.model_selection._spaces import space_of
from skdistill.model_selection._storage import open_storage, open_study
from skdistill.model_selection._study import quiet
from skdistill.model_selection._trials import Trials

SPACE = space_of({"C": optuna.distributions.FloatDistribution(0.1, 1)}, None)
SPLITS = [{"test_scores": 0.5}]


def opened(storage):
    with quiet():
        kept = open_storage(storage)
        study = open_study(kept, "s", None)
    return Trials(study, kept, TPEByNumber(0))


def add(storage, n_trials):
    trials = opened(storage)
    for _ in range(n_trials):
        trials.tell(trials.ask(SPACE), SPLITS, 0.5)


def ended(storage):
    return [(t.number, t.params, t.value) for t in opened(storage).ended]


@pytest.fixture
def journal(tmp_path):
    add(path := str(tmp_path / "study.log"), 2)
    return path


@pytest.mark.filterwarnings("ignore:the last record")
def test_a_journal_cut_anywhere_goes_on_and_keeps_what_was_whole(journal):
    with open(journal, "rb") as file:
        whole = file.read()
    before = ended(journal)
    last_two = whole[:-1].rfind(b"\n", 0, whole[:-1].rfind(b"\n"))
    for size in range(last_two, len(whole), 29):
        with open(journal, "wb") as file:
            file.write(whole[:size])
        kept = ended(journal)
        assert kept == before[: len(kept)]
        assert len(kept) >= len(before) - 1
        add(journal, 2)
        add(journal, 1)
        assert len(ended(journal)) == len(kept) + 3


def test_what_is_dropped_is_said_and_only_once(journal):
    with open(journal, "ab") as file:
        file.write(b'{"op_code":5,"wor')
    with pytest.warns(UserWarning, match=r"study\.log' was cut short.*: 17 bytes are dropped"):
        add(journal, 1)
    add(journal, 1)
    assert len(ended(journal)) == 4


def test_a_half_record_that_appears_while_a_search_runs_is_dropped(journal):
    trials = opened(journal)
    with open(journal, "ab") as file:
        file.write(b"\x00" * 5000)
    with pytest.warns(UserWarning, match="5,000 bytes are dropped"):
        trials.tell(trials.ask(SPACE), SPLITS, 0.5)
    assert len(ended(journal)) == 3


FULL = """
    import resource, sys
    from tests.model_selection.test_storage import *
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    trials = opened(sys.argv[1])
    for _ in range(20):
        trial = trials.ask(SPACE)
        trials.tell(trial, SPLITS * int(sys.argv[3]), 0.5)
        print(trial.number, flush=True)
"""


def fill(storage, limit, n_splits=1):
    """Trials acknowledged by a process whose file may not grow beyond `limit`, its error."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), storage, str(limit), str(n_splits)],
        capture_output=True,
        text=True,
    )
    return [int(line) for line in done.stdout.split()], done.stderr


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit of file sizes")
@pytest.mark.parametrize("limit", [600, 1900, 4003])
def test_a_trial_is_acknowledged_when_it_is_in_the_journal(tmp_path, limit):
    path = str(tmp_path / "study.log")
    acknowledged, error = fill(path, limit)
    assert "cannot be written to (File too large); the trials that ended before" in error
    assert [number for number, *_ in ended(path)] == acknowledged
    add(path, 2)
    assert len(ended(path)) == len(acknowledged) + 2


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit of file sizes")
def test_a_database_goes_on_after_a_full_disk(tmp_path):
    path = tmp_path / "study.db"
    url = f"sqlite:///{path}"
    add(url, 3)
    before, size = ended(url), os.path.getsize(path)
    acknowledged, error = fill(url, size, 300)
    assert "disk I/O error" in error or "database or disk is full" in error
    assert [number for number, *_ in ended(url)] == [*range(3), *acknowledged]
    add(url, 2)
    assert ended(url)[:3] == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"age,job\n1,cook", "holds something else"),
        (b"\x89PNG\r\n", "holds something else"),
    ],
)
def test_a_file_that_is_no_journal_is_refused_and_stays(tmp_path, content, said):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"storage=.*file'.* cannot be opened: .*{said}"):
        open_storage(path)
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["file"]


def test_a_record_damaged_inside_a_journal_is_named_and_nothing_changed(journal):
    with open(journal, "rb") as file:
        lines = file.readlines()
    lines[2] = lines[2][:20] + lines[2]
    with open(journal, "wb") as file:
        file.writelines(lines)
    with pytest.raises(ValueError, match="line 3 of it is damaged; the lines before"):
        open_storage(journal)
    with open(journal, "rb") as file:
        assert file.readlines() == lines


@pytest.mark.parametrize(
    "storage",
    [
        "no/such/folder/study.log", ".", os.devnull, "", "nothing://x", "postgresql+nodriver://u@h/d",
        "sqlite:////no/such/folder/study.db", "mysql+nodriver:///d",
    ],
)  # fmt: skip
def test_a_storage_that_cannot_be_opened_is_named(storage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(ValueError, match=re.escape(f"storage={storage!r} cannot be opened: ")):
        open_storage(storage)


def test_a_database_that_is_something_else_is_named(tmp_path):
    (tmp_path / "study.db").write_bytes(b"age,job\n" * 1000)
    with pytest.raises(ValueError, match=r"cannot be opened: .*file is not a database"):
        open_storage(f"sqlite:///{tmp_path}/study.db")


def test_a_lock_that_a_killed_process_left_is_found_from_any_folder(journal, monkeypatch):
    """Its link must lead to the journal, or nobody can tell how old it is."""
    monkeypatch.chdir(os.path.dirname(os.path.dirname(journal)))
    lock = open_storage(os.path.relpath(journal))._backend.lock
    lock.acquire()
    assert os.path.samefile(f"{journal}.lock", journal)
    lock.release()


def test_trials_of_killed_workers_do_not_change_what_is_drawn(tmp_path):
    """As running ones they would count as bad, for ever."""
    draws = []
    for state in ("RUNNING", "FAIL"):
        path = str(tmp_path / state)
        add(path, 12)
        trials = opened(path)
        left = [trials.ask(SPACE) for _ in range(3)]
        if state == "FAIL":
            for trial in left:
                trials.tell(trial, None, float("nan"))
        draws.append([opened(path).ask(SPACE).params for _ in range(2)])
    assert draws[0] == draws[1]


def test_trials_of_this_process_do_change_what_is_drawn(journal):
    """So that the candidates of a batch differ."""
    add(journal, 12)
    trials = opened(journal)
    other = opened(journal)
    first = trials.ask(SPACE)
    other.read()
    seen = [t.state.name for t in trials._copy.get_trials(deepcopy=False)]
    assert seen[first.number] == "RUNNING"
    assert other._copy.get_trials(deepcopy=False)[first.number].state.name == "FAIL"
    trials.tell(first, SPLITS, 0.5)
    other.read()
    assert other._copy.get_trials(deepcopy=False)[first.number].state.name == "COMPLETE"
