"""The declared lower bound of every package that runs code here, as pip's constraints.

`.ci/run` tests with them: what pyproject.toml promises is what was tried.
"""

import re
import tomllib
from pathlib import Path

EXTRAS = ("test", "boost", "auto")
# not ours: matplotlib 3.9 calls what later ones deprecate
OF_OTHERS = ["pyparsing<3.3"]

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
wanted = [*project["dependencies"]]
for extra in EXTRAS:
    wanted += project["optional-dependencies"][extra]
for line in sorted({re.sub(">=", "==", one) for one in wanted} | set(OF_OTHERS)):
    print(line)
