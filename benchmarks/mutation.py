"""Do the tests notice a changed line? One change at a time in a copy of the package.

    python benchmarks/mutation.py skdistill/metrics/_loss.py --tests tests/metrics
    python benchmarks/mutation.py skdistill/students --jobs 2 --seconds 1800 \
        --tests tests/students tests/test_laws.py

Each mutant is the code with one change: a comparison, an operator or a condition turned
around, ``any`` for ``all``, a number moved by one, a statement or an argument left out. The
tests run on it and stop at the first that fails. One that fails, or hangs, has killed the
mutant. A mutant that lives is printed with its line: either a test is missing, or the
change changes nothing that anybody can see.

The mutants are drawn at random, so that a run that ends early is a sample of all of them.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("skdistill", "tests", "pyproject.toml")

OTHER = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot,
    ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
}  # fmt: skip
EDGE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
NAMES = {
    "any": "all", "all": "any", "min": "max", "max": "min", "argmin": "argmax",
    "argmax": "argmin", "floor": "ceil", "ceil": "floor", "maximum": "minimum",
    "minimum": "maximum", "zeros": "ones", "ones": "zeros", "sum": "mean", "mean": "sum",
}  # fmt: skip


def changes(node):
    """Functions that change a node in place, each in one way."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for table in (OTHER, EDGE):
            if other := table.get(type(node.ops[0])):
                yield lambda n, other=other: n.ops.__setitem__(0, other())
    if isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign) and type(node.op) in OTHER:
        yield lambda n: setattr(n, "op", OTHER[type(n.op)]())
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield lambda n: setattr(n, "op", ast.UAdd())  # of a truth value: itself
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield lambda n: setattr(n, "value", not n.value)
        elif isinstance(node.value, int | float):
            yield lambda n: setattr(n, "value", n.value + 1)
    if isinstance(node, ast.Name) and node.id in NAMES:
        yield lambda n: setattr(n, "id", NAMES[n.id])
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield lambda n: setattr(n, "attr", NAMES[n.attr])
    if isinstance(node, ast.Call) and node.keywords:
        for i in range(len(node.keywords)):
            yield lambda n, i=i: n.keywords.pop(i)
    if isinstance(node, ast.Return) and node.value is not None:
        yield lambda n: setattr(n, "value", ast.Constant(None))
    if hasattr(node, "body") and isinstance(node.body, list):
        for i, one in enumerate(node.body):
            if isinstance(one, ast.Expr | ast.AugAssign | ast.Raise) and not is_text(one):
                yield lambda n, i=i: n.body.__setitem__(i, ast.Pass())


def is_text(node):
    """Whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def mutants(path):
    """Line, the line before, the line after and the whole code, for each change of a file."""
    tree = ast.parse(path.read_text())
    nodes = [node for node in ast.walk(tree) if not is_text(node)]
    skipped = {
        id(inner)
        for node in nodes
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if part is not None
        for inner in ast.walk(part)
    }
    skipped |= {id(node.value) for node in ast.walk(tree) if is_text(node)}
    before = ast.unparse(tree).splitlines()
    for number, node in enumerate(nodes):
        if id(node) in skipped:
            continue
        for which in range(len(list(changes(node)))):
            changed = copy.deepcopy(tree)
            twin = [one for one in ast.walk(changed) if not is_text(one)][number]
            list(changes(twin))[which](twin)
            after = ast.unparse(ast.fix_missing_locations(changed)).splitlines()
            if after != before:
                old, new = first_difference(before, after)
                yield getattr(node, "lineno", 0), old, new, "\n".join(after) + "\n"


def first_difference(before, after):
    """The first line that is not the same, in both."""
    pairs = zip([*before, ""], [*after, ""], strict=False)
    return next((a.strip(), b.strip()) for a, b in pairs if a != b)


class Bench:
    """A copy of the package in which the tests run, one mutant at a time."""

    def __init__(self, folder, tests):
        self.folder, self.tests = folder, tests
        for name in COPIED:
            source = ROOT / name
            copied = shutil.copytree if source.is_dir() else shutil.copy
            copied(source, folder / name)
        if (ROOT.parent / "shared").exists() and not (folder.parent / "shared").exists():
            (folder.parent / "shared").symlink_to(ROOT.parent / "shared")

    def passes(self, limit):
        """Whether the tests pass, None if they take too long; and their last lines."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1"}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [*command, *self.tests],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=limit,
            )
        except subprocess.TimeoutExpired:
            return None, ""
        return done.returncode == 0, done.stdout[-2000:]

    def lives(self, path, code, limit):
        """Whether the tests pass with other code in a file."""
        target = self.folder / path.relative_to(ROOT)
        target.write_text(code)
        try:
            return self.passes(limit)[0] is True
        finally:
            shutil.copy(path, target)


def run(found, benches, seconds, limit):
    """Verdicts of as many mutants as there is time for: those that were tried, and lived."""
    end, tried, alive = time.monotonic() + seconds, 0, []
    free = list(benches)

    def judge(mutant):
        path, *_, code = mutant
        if time.monotonic() > end:
            return None
        bench = free.pop()
        try:
            return bench.lives(path, code, limit)
        finally:
            free.append(bench)

    with ThreadPoolExecutor(len(benches)) as pool:
        for mutant, lives in zip(found, pool.map(judge, found), strict=True):
            tried += lives is not None
            if lives:
                alive.append(mutant)
                path, line, old, new, _ = mutant
                print(f"{path.relative_to(ROOT)}:{line}\n    {old}\n    {new}", flush=True)
    return tried, alive


def main():
    """Mutants of some files, and what the tests make of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+", help="files or folders of the package")
    parser.add_argument("--tests", nargs="+", required=True, help="as pytest takes them")
    parser.add_argument("--seconds", type=float, default=600, help="default: %(default)s")
    parser.add_argument("--most", type=int, default=10**9, help="mutants at most")
    parser.add_argument("--jobs", type=int, default=1, help="copies in parallel")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    given = [(ROOT / name).resolve() for name in options.files]
    files = [
        f for one in given for f in (sorted(one.rglob("*.py")) if one.is_dir() else [one])
    ]
    found = [(path, *mutant) for path in files for mutant in mutants(path)]
    random.Random(options.seed).shuffle(found)
    with tempfile.TemporaryDirectory() as folder:
        benches = []
        for number in range(options.jobs):
            (at := Path(folder, str(number), "tree")).mkdir(parents=True)
            benches.append(Bench(at, options.tests))
        begun = time.monotonic()
        passed, said = benches[0].passes(options.seconds)
        if not passed:
            sys.exit(f"the tests do not pass on the code as it is:\n{said}")
        limit = 10 + 3 * (time.monotonic() - begun)
        tried, alive = run(found[: options.most], benches, options.seconds, limit)
    killed = tried - len(alive)
    print(f"{tried} of {len(found)} mutants tried, {killed} killed: {killed / tried:.2f}")


if __name__ == "__main__":
    main()
