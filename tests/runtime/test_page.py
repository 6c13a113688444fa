"""/docs: what it is made of, and that a person can ask the model on it, in a real browser."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest
from browser import CONTROL, ENTER, RIGHT, TAB, browser

from envbuild.runtime.front.facts import Facts, model_facts
from envbuild.runtime.front.page import page, type_name

ROUTES = frozenset(
    {("POST", "/score"), ("POST", "/invocations"), ("POST", "/v2/models/{model}/infer"), ("GET", "/metrics")}
)
EVIL = "<img src=x onerror=\"document.title='hacked'\"></script><script>document.title='hacked'</script>"


class Elements(HTMLParser):
    """Collects the elements of a page and what is in the block of data."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.data = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.found and self.found[-1] == ("script", {"type": "application/json", "id": "told"}):
            self.data += data


def told(text):
    return json.loads(Elements(text).data)


def signature(inputs=(), outputs=(), params=()):
    parts = {"inputs": inputs, "outputs": outputs, "params": params}
    return {"signature": {name: json.dumps(list(part)) for name, part in parts.items() if part}}


def test_nothing_is_asked_of_other_hosts():
    text, policy = page(Facts("m"), ROUTES)
    assert not re.findall(rb"https?:|//[a-z]|@import|url\(", text.replace(b"// ", b""))
    assert "default-src 'none'" in policy
    assert "connect-src 'self';" in policy
    assert "unsafe" not in policy
    for tag, attributes in Elements(text.decode()).found:
        assert tag not in ("link", "img", "iframe", "object", "base")
        assert not any(name.startswith("on") or name in ("src", "style") for name in attributes), (tag, attributes)


def test_the_api_on_another_port_is_the_only_further_address(tmp_path):
    text, policy = page(Facts("m"), ROUTES, "http://host:8080")
    assert "connect-src 'self' http://host:8080;" in policy
    assert told(text.decode())["server"] == "http://host:8080"
    # A policy has no form for an address of IPv6.
    assert "connect-src 'self' http://*:8080;" in page(Facts("m"), ROUTES, "http://[::1]:8080")[1]


def test_what_comes_from_the_model_cannot_leave_its_block_of_data(tmp_path):
    spec = {"name": EVIL, "type": "string", "required": True}
    facts = model_facts(EVIL, signature([spec], [spec], [{"name": EVIL, "type": "string", "default": EVIL}]), tmp_path)
    text, _ = page(facts, ROUTES)
    plain, _ = page(Facts("m"), ROUTES)
    assert Elements(text.decode()).found == Elements(plain.decode()).found
    content = told(text.decode())
    assert (content["name"], content["inputs"][0]["name"]) == (EVIL, EVIL)


def test_only_protocols_that_there_are_can_be_chosen():
    text, _ = page(Facts("s", script=True), {("POST", "/score")})
    assert [each["kind"] for each in told(text.decode())["protocols"]] == ["score"]
    text, _ = page(Facts("a b"), ROUTES)
    assert [each["path"] for each in told(text.decode())["protocols"]] == [
        "/score",
        "/invocations",
        "/v2/models/a%20b/infer",
    ]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"type": "double"}, "double"),
        ({"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28, 28]}}, "float32 [*, 28, 28]"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "long"}}}, "long[][]"),
        ({"type": "map", "values": {"type": "any"}}, "map of any"),
        (
            {"type": "object", "properties": {"a": {"type": "long"}, "b": {"type": "string", "required": False}}},
            "{a: long, b?: string}",
        ),
    ],
)
def test_types_are_told_in_a_word(spec, text):
    assert type_name(spec) == text


def test_a_model_of_thousands_of_columns_is_summed_up(tmp_path):
    specs = [{"name": f"c{number}", "type": "double"} for number in range(5000)]
    content = told(page(model_facts("m", signature(specs), tmp_path), ROUTES)[0].decode())
    assert (len(content["inputs"]), content["more"]) == (400, [4600, 0])


# ---- in the browser


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        opened.open("about:blank")
        opened.requests()
        yield opened


@pytest.fixture
def ask(window):
    """Open a server's page anew; the page's network and console are empty before."""

    def load(server, port=None, host="127.0.0.1"):
        window.size(1280, 900)
        window.open("about:blank")
        window.requests()
        window.complaints()
        window.open(f"http://{host}:{port or server.port}/docs")
        return window

    return load


@pytest.fixture(scope="module")
def pricing(start, model):
    return start(**model("pyfunc-code"), ENVBUILD_MODEL_NAME="pricing").wait_until_up(path="/ping")


def sent(window):
    return window.wait("const a = document.getElementById('answer'); return a.hidden ? '' : a.innerText")


def browse(test):
    """Mark a test that needs the browser and a server."""
    return pytest.mark.browser(pytest.mark.network(test))


@browse
@pytest.mark.parametrize("kind", ["score", "invocations", "infer"])
def test_a_person_sends_the_example_in_each_protocol_and_sees_the_answer(ask, pricing, example, kind):
    window = ask(pricing)
    window.click(f"input[value={kind}]")
    window.click("#send")
    text = sent(window)
    assert "200 OK" in text
    assert re.search(r"\d+ ms", text)
    assert "x-request-id" in text
    expected = example("pyfunc-code")[1]
    shown = json.loads(window.text("#result"))
    if kind == "infer":
        outputs = {tensor["name"]: tensor["data"] for tensor in shown["outputs"]}
        assert outputs["price"] == pytest.approx([row["price"] for row in expected])
    else:
        rows = shown if kind == "score" else shown["predictions"]
        assert [row["note"] for row in rows] == [row["note"] for row in expected]
    assert window.complaints() == []
    own = f"http://127.0.0.1:{pricing.port}/"
    asked = window.requests()
    assert len(asked) == 2
    assert all(url.startswith(own) for url in asked), asked


@browse
def test_the_page_tells_name_and_signature(ask, pricing):
    window = ask(pricing)
    assert window.text("h1") == "pricing"
    assert "MLflow 3.17.2" in window.text("#origin").replace("\n", " ")
    rows = window.run("return [...document.querySelectorAll('table')].map(t => [...t.rows].map(r => r.innerText))")
    assert rows[0][0].split("\t") == ["Name", "Type", "Required"]
    assert rows[0][5].split("\t") == ["discount", "double", "no"]
    assert rows[1][1:] == ["price\tdouble", "note\tstring"]


@browse
def test_an_error_is_shown_with_its_status_and_reason(ask, pricing):
    window = ask(pricing)
    window.run(
        "const b = document.getElementById('body'); b.value = arguments[0]; b.dispatchEvent(new Event('input'))",
        '{"input_data": [1]}',
    )
    window.click("#send")
    assert "400 Bad Request" in sent(window)
    assert "message" in json.loads(window.text("#result"))


@browse
def test_it_works_by_keyboard_alone(ask, pricing):
    window = ask(pricing)
    window.run("document.querySelector('input[name=protocol]').focus()")
    window.press(RIGHT)
    assert window.text("#path") == "/invocations"
    window.press(TAB)
    assert window.run("return document.activeElement.id") == "body"
    window.press(CONTROL + ENTER)
    assert "200 OK" in sent(window)
    assert json.loads(window.text("#result"))["predictions"]


@browse
def test_a_draft_is_kept_and_the_example_comes_back(ask, pricing):
    window = ask(pricing)
    example = window.run("return document.getElementById('body').value")
    assert not window.run("return document.getElementById('reset').checkVisibility()")
    window.type("#body", "x")
    assert "Not JSON yet" in window.text("#hint")
    window.click("input[value=invocations]")
    window.click("input[value=score]")
    assert window.run("return document.getElementById('body').value") != example
    window.click("#reset")
    assert window.run("return document.getElementById('body').value") == example


@browse
def test_the_curl_command_gives_the_same_answer(ask, pricing):
    window = ask(pricing)
    window.type("#body", " ")
    command = window.text("#curl").replace("curl -sS", f"{sys.executable} -c {PRINT!r}", 1)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    url, header, flag, body = json.loads(done.stdout)
    # --data-binary would take a body that begins with @ for the name of a file.
    assert (url, header, flag) == (f"http://127.0.0.1:{pricing.port}/score", "-H", "--data-raw")
    window.click("#send")
    sent(window)
    assert pricing.post("/score", json.loads(body)).json == json.loads(window.text("#result"))


PRINT = "import json, sys; a = sys.argv[1:]; print(json.dumps([a[0], a[1], a[3], a[4]]))"


@browse
def test_whole_numbers_of_64_bits_keep_their_digits(ask, start, tmp_path):
    (tmp_path / "score.py").write_text(
        "def init(): pass\ndef run(body): return [9007199254740993, 1.0, float('nan')]\n"
    )
    server = start(AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py").wait_until_up()
    window = ask(server)
    assert window.run("return document.querySelectorAll('input[name=protocol]').length") == 1
    assert window.text("#kind") == "Scoring script"
    window.type("#body", "it's not JSON")
    window.click("#send")
    assert "200 OK" in sent(window)
    assert window.text("#result") == "[9007199254740993, 1.0, null]"


@browse
def test_an_answer_of_one_byte_is_told_in_the_singular(ask, start, tmp_path):
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(body): return 3\n")
    server = start(AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py").wait_until_up()
    window = ask(server)
    window.click("#send")
    assert "1 byte\n" in sent(window)
    assert window.text("#result") == "3"


EVIL_LOADER = """
class Model:
    def predict(self, data, params=None):
        return [{name: name for name in data.columns}]
def _load_pyfunc(path):
    return Model()
"""


@browse
def test_a_column_called_like_markup_stays_text(ask, start, tmp_path):
    spec = {"name": EVIL, "type": "string", "required": True}
    model = tmp_path / "model"
    (model / "code").mkdir(parents=True)
    (model / "code" / "evil_loader.py").write_text(EVIL_LOADER)
    head = "flavors:\n  python_function:\n    loader_module: evil_loader\n    code: code\nsignature:\n  inputs: "
    (model / "MLmodel").write_text(head + json.dumps(json.dumps([spec])) + "\n")
    server = start(AZUREML_MODEL_DIR=str(tmp_path), ENVBUILD_MODEL_NAME="<b>bold").wait_until_up(path="/ping")
    window = ask(server)
    assert window.text("h1") == "<b>bold"
    assert window.text("td.name") == EVIL
    window.click("#send")
    assert "200 OK" in sent(window)
    assert EVIL in json.loads(window.text("#result"))[0]
    assert window.run("return document.querySelectorAll('img, h1 b').length") == 0
    assert window.run("return document.title") == "<b>bold · try it"
    assert len(window.requests()) == 2


@browse
def test_a_model_without_an_example_gets_one_by_its_signature(ask, start, tmp_path, fixture_models):
    folder = tmp_path / "model"
    folder.mkdir()
    for file in (fixture_models / "diabetes").iterdir():
        if "example" not in file.name:
            (folder / file.name).write_bytes(file.read_bytes())
    server = start(AZUREML_MODEL_DIR=str(tmp_path)).wait_until_up(path="/ping")
    for kind in ("score", "invocations", "infer"):
        window = ask(server)
        window.click(f"input[value={kind}]")
        window.click("#send")
        assert "200 OK" in sent(window)


@browse
def test_the_page_on_another_port_reaches_the_api_and_other_pages_do_not(ask, start, model):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = start(ENVBUILD_DOCS=str(port), ENVBUILD_METRICS=str(port), **model("params")).wait_until_up(path="/ping")
    for path in ("/docs", "/openapi.json", "/metrics"):
        assert server.get(path).status == 404
    window = ask(server, port)
    window.click("#send")
    text = sent(window)
    assert "200 OK" in text
    assert "x-request-id" in text
    assert window.complaints() == []
    for origin in (f"http://127.0.0.1:{port + 1}", f"http://localhost:{port}", "null", "http://example.com"):
        reply = server.post("/score", {}, Origin=origin)
        assert "access-control-allow-origin" not in {name.lower() for name in reply.headers}
    window.open(f"http://127.0.0.1:{port}/metrics")
    assert 'envbuild_requests_total{route="/score",status="200"}' in window.text("body")


@browse
@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_the_page_on_another_port_reaches_the_api_by_an_address_of_ipv6(ask, start, model):
    with socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        port = probe.getsockname()[1]
    server = start(ENVBUILD_DOCS=str(port), ENVBUILD_HOST="::", **model("params")).wait_until_up(path="/ping")
    window = ask(server, port, "[::1]")
    window.click("#send")
    assert "200 OK" in sent(window)
    assert window.complaints() == []


@browse
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_the_window_and_can_be_read_in_light_and_dark(ask, pricing, scheme, width):
    window = ask(pricing)
    window.size(width, 900)
    window.media(prefers_color_scheme=scheme)
    window.click("#send")
    sent(window)
    assert window.run("return document.documentElement.scrollWidth") <= width
    # WCAG 2.2, 1.4.3: 4.5 to 1 for text.
    assert window.run(CONTRAST) == []
    # Every control can be named by a screen reader.
    assert window.run(NAMELESS) == []


CONTRAST = """
const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
const light = color => { const [r, g, b] = color.map(part => { part /= 255;
  return part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4; });
  return .2126 * r + .7152 * g + .0722 * b; };
const behind = element => { for (let each = element; each; each = each.parentElement) {
  const color = parse(getComputedStyle(each).backgroundColor);
  if (color.length && color[3] !== 0) return color.slice(0, 3); } return [255, 255, 255]; };
return [...document.querySelectorAll('body *')].filter(each => each.checkVisibility() && each.tagName !== 'SCRIPT' &&
  [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim())).flatMap(each => {
  const both = [light(parse(getComputedStyle(each).color).slice(0, 3)), light(behind(each))];
  const [one, two] = both.sort((a, b) => b - a);
  const ratio = (one + .05) / (two + .05);
  return ratio < 4.5 ? [`${each.tagName} ${each.className} ${each.innerText}: ${ratio.toFixed(2)}`] : [];
});
"""
NAMELESS = """
return [...document.querySelectorAll('button, input, textarea, a, pre[tabindex]')].filter(each =>
  !(each.labels && each.labels.length) && !each.innerText.trim() && !each.getAttribute('aria-label'))
  .map(each => each.id);
"""


# ---- ports


def test_a_port_in_use_is_named_with_its_variable():
    pytest.importorskip("starlette")
    from envbuild.runtime.errors import StartError
    from envbuild.runtime.front.ports import bind, names
    from envbuild.runtime.settings import read_settings

    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            StartError, match=rf"ENVBUILD_DOCS: port {port} cannot be listened on: Address already in use"
        ):
            bind(port, "ENVBUILD_DOCS")
    with bind(0, "PORT") as bound:
        # By which asyncio knows that it may turn off Nagle's algorithm.
        assert bound.proto == socket.IPPROTO_TCP
    both = read_settings({"ENVBUILD_METRICS": "9090", "ENVBUILD_DOCS": "9090"})
    assert names(both) == {8080: "PORT", 9090: "ENVBUILD_METRICS and ENVBUILD_DOCS"}
    assert names(read_settings({"PORT": "7000", "ENVBUILD_DOCS": "7000"})) == {7000: "PORT"}


@pytest.mark.network
def test_a_taken_port_ends_the_server_with_1_and_off_is_off(start, model):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        begun = time.monotonic()
        server = start(ENVBUILD_METRICS=str(taken.getsockname()[1]), **model("params"))
        assert server.popen.wait(60) == 1
        assert time.monotonic() - begun < 30
        assert "ENVBUILD_METRICS: port" in server.log
        assert "Address already in use" in server.log
    off = start(ENVBUILD_METRICS="off", ENVBUILD_DOCS="0", **model("params")).wait_until_up()
    for path in ("/metrics", "/docs", "/openapi.json"):
        assert off.get(path).status == 404
