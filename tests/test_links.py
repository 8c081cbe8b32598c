"""Links: files in the repository, pages of the documentation on a package index."""

import re
import tomllib
from pathlib import Path

import pytest

from skdistill import AutoDistiller, DistillationSearchCV, DistilledClassifier

ROOT = Path(__file__).parents[1]
if not (ROOT / "pyproject.toml").exists():
    pytest.skip("tests without their repository", allow_module_level=True)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SITE = "https://skdistill.readthedocs.io/en/stable/"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]


def links(text):
    return re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page):
    """How repositories and documentation sites name headings."""
    headings = re.findall(r"^#+ (.*)", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one).strip().lower().replace(" ", "-") for one in headings}


def source_of(url):
    """The file in the repository that a page of the documentation is made of."""
    name = url.removeprefix(SITE).replace(".html", ".md")
    return ROOT / name if name == "CONTRIBUTING.md" else ROOT / "docs" / name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page):
    for link in links(page.read_text()):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_links_and_pictures_of_the_readme_are_absolute_on_a_package_index():
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (ROOT / "README.md").read_text()
    n_links = len(links(text))
    for one in hook["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    assert len(links(text)) == n_links > 10
    for url in links(text):
        assert url.startswith(SITE), url
        assert source_of(url).is_file(), url


def test_links_of_the_project_and_of_its_displays_are_pages_of_the_documentation():
    displays = [AutoDistiller, DistillationSearchCV, DistilledClassifier]
    shown = [one._doc_link_template for one in displays]
    for url in [*shown, *PROJECT["project"]["urls"].values()]:
        assert url.startswith(SITE), url
        assert source_of(url).is_file(), url


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "decisions"
    listed = set(links((folder / "index.md").read_text()))
    assert listed == {page.name for page in folder.glob("[0-9]*.md")}
