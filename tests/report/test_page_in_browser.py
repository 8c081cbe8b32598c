"""The page as a reader has it: in a browser, on a desk and on a phone."""

import json
import shutil

import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import AutoDistiller
from skdistill.report import write_report

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
webdriver = pytest.importorskip("selenium.webdriver")

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None, reason="chromium and chromedriver are not there"
    ),
    # joblib times its writes, and a busy disk is no fault
    pytest.mark.filterwarnings("ignore:Persisting input arguments"),
    pytest.mark.filterwarnings("ignore:the teacher's neg_log_loss is worse"),
]
WIDTHS = {"desk": 1280, "phone": 390}
QUIET = [
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
    "disable-background-networking", "disable-component-update", "disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    data = load_breast_cancer(as_frame=True)
    X, y = data.data, data.target_names[data.target]
    students = [
        ("tree", DecisionTreeClassifier(max_depth=3)),
        ("linear", make_pipeline(StandardScaler(), LogisticRegression())),
    ]
    auto = AutoDistiller(GaussianNB(), students, n_trials=1, random_state=0).fit(X, y)
    return write_report(auto, tmp_path_factory.mktemp("page") / "report.html", X, y)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*QUIET, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)  # so that nothing is fetched
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture(params=WIDTHS)
def opened(request, browser, path):
    """The page in a window of a width, and what was asked for to show it."""
    size = {"width": WIDTHS[request.param], "height": 900, "deviceScaleFactor": 1}
    mobile = {"mobile": request.param == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size | mobile)
    browser.get_log("performance"), browser.get_log("browser")
    browser.get(path.as_uri())
    events = [
        json.loads(entry["message"])["message"] for entry in browser.get_log("performance")
    ]
    return browser, [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def test_a_page_opens_whole_and_asks_nobody(opened, path):
    browser, requests = opened
    titles = browser.find_elements("tag name", "h2")
    assert [title.text[0] for title in titles] == list("12345678")
    assert all(title.is_displayed() for title in titles)
    assert browser.get_log("browser") == []
    assert path.as_uri() in requests
    assert all(url.startswith(("file:", "data:")) for url in requests)


def test_a_page_never_scrolls_sideways_and_its_wide_tables_do(opened):
    browser, _ = opened
    page = "document.documentElement"
    inside = browser.execute_script(f"return {page}.scrollWidth <= {page}.clientWidth")
    assert inside
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('.scroll, pre')].map("
        "e => [e.scrollWidth > e.clientWidth, getComputedStyle(e).overflowX])"
    )
    assert any(wide for wide, _ in boxes)
    assert all(overflow == "auto" for wide, overflow in boxes if wide)
    edges = browser.execute_script(
        "return [...document.querySelectorAll('.scroll')].map("
        "e => getComputedStyle(e).backgroundImage)"
    )
    assert all(edge.count("gradient") == 4 for edge in edges)  # a shadow where it goes on


def test_every_picture_has_a_size_and_is_legible(opened):
    browser, _ = opened
    for picture in browser.find_elements("tag name", "svg"):
        assert picture.rect["width"] > 50
        assert picture.rect["height"] > 5
    figures = browser.find_elements("css selector", "figure svg")
    assert len(figures) == 8
    assert all(figure.rect["width"] > 250 for figure in figures)


def test_contents_lead_to_their_sections_and_ink_shows_in_the_dark(opened):
    browser, _ = opened
    for link in browser.find_elements("css selector", "nav a"):
        assert browser.find_elements("css selector", link.get_dom_attribute("href"))
    colours = {}
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        body = browser.find_element("tag name", "body")
        names = ("color", "background-color")
        colours[scheme] = [body.value_of_css_property(name) for name in names]
    light, dark = colours.values()
    assert light[0] != light[1]
    assert dark[0] != dark[1]
    assert light[1] != dark[1]
