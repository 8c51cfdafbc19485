"""`tfstyle web` by its addresses: uploads, pictures, sessions, protection, renders."""

import asyncio
import base64
import dataclasses
import io
import ipaddress
import json
import re
import socket
import struct
import sys
import time
import types
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.web_server import Client, running
from tfstyle import cli, images
from tfstyle.__main__ import main
from tfstyle.commands import optimize
from tfstyle.config import WebCommand
from tfstyle.errors import InputError
from tfstyle.stylization import StyleLibrary, Stylizer, engines

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from tfstyle.web import application, messages, render_queue, render_worker, sessions, settings
from tfstyle.web.painter import Painter
from tfstyle.web.protection import Protection
from tfstyle.web.render_worker import End, Report, Task
from tfstyle.web.settings import Settings
from tfstyle.web.shelf import PHOTOS, STYLES, Shelf

ASKED = {
    "photo": "content-1", "styles": [{"id": "style-2", "share": 1.0}], "strength": 0.6,
    "keep_color": False, "brush": 0.5, "size": 128, "iterations": 20,
    "region": {"mask": "", "style": "", "strength": 0.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="module")
def server(folder):
    with running(folder, "--max_upload=1", "--max_pixels=1") as found:
        yield found


@pytest.fixture
def client(server):
    return Client(server)


def picture_of(client, result):
    status, data = client.request("GET", f"/api/results/{result}.png")
    assert status == 200
    return np.asarray(Image.open(io.BytesIO(data)), np.float32) / 255, data


def test_it_paints_what_stylize_paints(client, examples, tmp_path):
    found = client.call("POST", "/api/paint", ASKED)
    picture, _ = picture_of(client, found["result"])
    stylizer = Stylizer("quality", engine=engines.fastest("quality"))
    code = stylizer.encode_style(images.read_image(examples / "mosaic.jpg", 256))
    content = images.read_image(examples / "chelsea.jpg", 128)
    expected = stylizer.paint(content, code, strength=0.6)[0]
    np.testing.assert_allclose(picture, expected, atol=1.1 / 255)
    assert "chelsea__mosaic.png" in client.headers["content-disposition"]
    status, data = client.request("GET", f"/api/results/{found['result']}.tif")
    assert status == 200 and "chelsea__mosaic.tif" in client.headers["content-disposition"]
    (tmp_path / "deep.tif").write_bytes(data)
    deep = images.read_image(tmp_path / "deep.tif")[0]
    np.testing.assert_allclose(deep, expected, atol=1 / 65535)
    assert images.read_parameters(tmp_path / "deep.tif")["strength"] == 0.6


def test_a_picture_gives_back_its_settings(client, tmp_path):
    styles = [{"id": "style-0", "share": 0.5}, {"id": "style-2", "share": 1.0}]
    asked = {**ASKED, "styles": styles, "keep_color": True}
    _, data = picture_of(client, client.call("POST", "/api/paint", asked)["result"])
    found = client.upload("again.png", data)["settings"]
    names = [{"name": "brushstrokes", "share": 0.5}, {"name": "mosaic", "share": 1.0}]
    assert found == {
        "rendered": False, "photo": "chelsea", "styles": names, "strength": 0.6,
        "keep_color": True, "brush": 0.5, "size": 128, "iterations": 0,
        "region": ASKED["region"],
    }  # fmt: skip


def mask_of(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_region_has_its_own_strength_and_style(client):
    pixels = np.zeros((64, 96), np.uint8)
    pixels[:, :48] = 255
    paint = lambda **change: picture_of(
        client, client.call("POST", "/api/paint", {**ASKED, **change})["result"]
    )
    left, right = np.s_[:, :58], np.s_[:, -58:]  # of 128 columns, without the soft edge
    plain, _ = paint()
    other, _ = paint(styles=[{"id": "style-1", "share": 1.0}], strength=1.0)
    region = {"mask": mask_of(pixels), "style": "style-1", "strength": 1.0}
    found, data = paint(region=region)
    np.testing.assert_allclose(found[left], other[left], atol=1.1 / 255)
    np.testing.assert_allclose(found[right], plain[right], atol=1.1 / 255)
    photo = images.read_image(ROOT / "examples" / "chelsea.jpg", 128)[0]
    kept, _ = paint(region={**region, "style": "", "strength": 0.0})
    np.testing.assert_allclose(kept[left], photo[left], atol=1.1 / 255)
    again = client.upload("again.png", data)["settings"]["region"]
    assert again == {**region, "style": "ink_wash"}
    large = mask_of(np.zeros((1, 1025), np.uint8))
    asked = {**ASKED, "region": {**region, "mask": large}}
    assert "more than 1024 pixels" in client.call("POST", "/api/paint", asked)


def test_renders_store_the_flags_of_optimize(examples, tmp_path):
    """A style of strength 0.5 weighs 1/√10 of the full one."""
    asked = Settings.parse(json.dumps({**ASKED, "strength": 0.5, "keep_color": True}).encode(), 512)
    command = asked.render_command("chelsea", ["mosaic"])
    stored = json.loads(json.dumps(asked.render_parameters(command, "")))
    assert stored["style_weight"] == pytest.approx(10 / 10**0.5)
    assert stored["program"].startswith("tfstyle optimize")
    found = settings.of_parameters(stored)
    assert found["strength"] == pytest.approx(0.5) and found["brush"] == 0.5
    assert (found["rendered"], found["photo"], found["keep_color"]) == (True, "chelsea", True)
    assert found["styles"] == [{"name": "mosaic", "share": 1.0}]
    bold = settings.of_parameters({**stored, "brush": "bold", "style_scale": 1.0})
    assert bold["brush"] == 1.6, "of --brush, which only the program has"


def test_a_renders_region_has_a_style_and_a_strength():
    """A tenth of the weight for each step of 1 in strength; at 0 the photo stays."""
    pixels = np.zeros((40, 40), np.uint8)
    pixels[:, :20] = 255

    def regions_of(region_style, **region):
        region = {"mask": mask_of(pixels), "style": "", "strength": 1.0, **region}
        styles = [{"id": "a", "share": 1.0}, {"id": "b", "share": 0.5}]
        asked = {**ASKED, "styles": styles, "strength": 0.6, "region": region}
        asked = Settings.parse(json.dumps(asked).encode(), 512)
        return asked.render_regions((60, 80), region_style)

    third = regions_of(2, style="c", strength=0.1)
    np.testing.assert_allclose(third.shares, [[2 / 3, 1 / 3, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(third.factors, [1.0, 10**-0.5])
    np.testing.assert_allclose(third.content.sum(-1), 1.0, rtol=1e-6)
    assert third.content[0, :, :30, 1].min() > 0.99 and third.content[0, :, -30:, 1].max() < 0.01
    second = regions_of(1, style="b")
    np.testing.assert_allclose(second.shares, [[2 / 3, 1 / 3], [0.0, 1.0]])
    same = regions_of(None, strength=0.6)
    np.testing.assert_allclose(same.shares, [[2 / 3, 1 / 3]] * 2)
    np.testing.assert_allclose(same.factors, 1.0)
    kept = regions_of(None, strength=0.0)
    assert kept.content.shape[-1] == 1 and kept.strength[0, 0, 0, 0] == 0.0
    assert regions_of(None, mask="") is None
    with pytest.raises(InputError, match="region: it is the whole picture"):
        regions_of(None, strength=0.0, mask=mask_of(np.full((9, 9), 255, np.uint8)))


def test_a_render_paints_the_region_in_its_style(client):
    """The wash of ink is grey, the mosaic is not."""
    pixels = np.zeros((64, 96), np.uint8)
    pixels[:, :48] = 255
    region = {"mask": mask_of(pixels), "style": "style-1", "strength": 1.0}
    asked = {**ASKED, "strength": 1.0, "iterations": 40, "region": region}
    address = f"/api/renders/{client.call('POST', '/api/renders', asked)['id']}"
    wait(lambda: client.call("GET", address)["state"] not in ("waiting", "running"), 400)
    state = client.call("GET", address)
    assert state["state"] == "done", state
    picture, data = picture_of(client, state["result"])
    colors = np.ptp(picture, axis=-1).mean(0)
    assert colors[:54].mean() < 0.8 * colors[-54:].mean()
    found = client.upload("again.png", data)["settings"]
    assert found["rendered"] and found["region"] == {**region, "style": "ink_wash"}
    assert [one["name"] for one in found["styles"]] == ["mosaic"]


def test_a_region_that_was_erased_brings_no_style(tmp_path, examples, monkeypatch):
    class Renderer:
        config = types.SimpleNamespace(encoder="lite")

        def render(self, content, styles, regions, **_):
            rendered.append((len(styles), regions))
            return types.SimpleNamespace(image=np.zeros((1, 96, 128, 3), "f"), complete=True)

    rendered = []
    monkeypatch.setattr(render_worker._Worker, "_load", lambda *_: Renderer())
    region = {"mask": mask_of(np.zeros((8, 8), np.uint8)), "style": "style-1", "strength": 1.0}
    asked = Settings.parse(json.dumps({**ASKED, "region": region}).encode(), 512)
    paths = [examples / f"{name}.jpg" for name in ("mosaic", "ink_wash")]
    task = Task(
        1, asked, asked.render_command("chelsea.jpg", ["mosaic.jpg"]), examples / "chelsea.jpg",
        paths, ["mosaic.jpg", "ink_wash.jpg"], 1, "ink_wash", tmp_path / "p.png",
    )  # fmt: skip
    connection = types.SimpleNamespace(send=lambda _: None)
    assert render_worker._Worker(connection).render(task) == End(True)
    assert rendered == [(1, None)]


def test_optimize_repeats_a_render_from_its_picture(tmp_path, examples, monkeypatch):
    """The files lie beside it."""
    region = {"mask": mask_of(np.eye(8, dtype=np.uint8)), "style": "", "strength": 0.0}
    asked = Settings.parse(json.dumps({**ASKED, "region": region}).encode(), 512)
    command = asked.render_command("chelsea.jpg", ["mosaic.jpg"])
    stored = asked.render_parameters(command, "")
    images.write_image(tmp_path / "p.png", np.zeros((1, 8, 8, 3), "f"), parameters=stored)
    for name in ("chelsea.jpg", "mosaic.jpg"):
        (tmp_path / name).symlink_to(examples / name)
    monkeypatch.chdir(tmp_path)
    flags = ["--from_picture=p.png"]
    found = cli.parse(optimize.FLAGS, flags, "optimize.py", optimize.read_parameters)
    assert dataclasses.replace(found, from_picture="") == command
    assert settings.of_parameters(stored)["styles"] == [{"name": "mosaic", "share": 1.0}]


def test_other_parameters_are_survived():
    odd = {"program": "tfstyle optimize 1", "style": "a/b.jpg", "style_weights": ["x"],
           "style_weight": -3, "style_scale": "x", "content": [], "size": None}  # fmt: skip
    found = settings.of_parameters(odd)
    assert found["styles"] == [{"name": "b", "share": 1.0}] and found["strength"] == 0.0
    assert settings.of_parameters({"program": "other"}) == {}


def test_uploads_are_painted_and_other_sessions_cannot_see_them(server, client, examples):
    photo = client.upload(examples / "astronaut.jpg")
    painting = client.upload(examples / "ink_wash.jpg")
    assert photo["name"] == "astronaut" and photo["settings"] is None
    asked = {**ASKED, "photo": photo["id"], "styles": [{"id": painting["id"], "share": 1.0}]}
    result = client.call("POST", "/api/paint", asked)["result"]
    addresses = [f"/api/pictures/{photo['id']}", f"/api/pictures/{photo['id']}/thumbnail",
                 f"/api/results/{result}.png"]  # fmt: skip
    for address in addresses:
        assert client.request("GET", address)[0] == 200
    other = Client(server)
    assert other.cookies != client.cookies
    for address in addresses:
        assert other.request("GET", address)[0] == 404
    assert "no longer there" in other.call("POST", "/api/paint", asked)


def bomb(side=60_000):
    """A PNG file of a few bytes that says it has `side`² pixels."""
    chunk = lambda kind, data: (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    )
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))
            + chunk(b"IEND", b""))  # fmt: skip


@pytest.mark.parametrize(
    "name, data, words",
    [
        ("bomb.png", bomb(), r"bomb\.png: has 3600 megapixels; 1 can be used"),
        ("large.png", bomb(1100), r"large\.png: has 1\.21 megapixels; 1 can be used"),
        ("short.png", bomb(64), r"short\.png: not a readable image"),
        ("text.jpg", b"hello", r"text\.jpg: not a readable image"),
        ("empty.jpg", b"", r"empty\.jpg: not a readable image"),
        ("heavy.jpg", bytes(1_000_001), r"heavy\.jpg: larger than 1 MB"),
        ("..\\a/../../b.png", b"x", r"\.\._a_\.\._\.\._b\.png: not a readable image"),
    ],
    ids=lambda value: value[:9] if isinstance(value, str) else "data",
)
def test_bad_files_give_one_line_and_stay_nowhere(client, folder, name, data, words):
    before = sorted(folder.rglob("*.upload"))
    path = name.replace("/", "%2F").replace("\\", "%5C")
    status, body = client.request("PUT", f"/api/photos/{path}", data)
    message = json.loads(body)["error"]
    assert status == 400 and re.match(words, message), message
    assert str(folder) not in message and "\n" not in message
    assert sorted(folder.rglob("*.upload")) == before


def drawn(width, height, kind="PNG", **options):
    """An image file."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name, data, kind, words",
    [
        (
            "strip.png",
            drawn(2000, 3),
            "photos",
            "strip.png as a photo: 1024 × 2 pixels at this size",
        ),
        ("dot.png", drawn(5, 5), "styles", "dot.png as a painting: 5 × 5 pixels at this size"),
    ],
)
def test_pictures_that_cannot_be_painted_are_no_uploads(client, folder, name, data, kind, words):
    before = sorted(folder.rglob("*.upload"))
    assert client.upload(name, data, kind).startswith(words)
    assert client.call("GET", "/api/state")["uploads"] == {"photos": [], "styles": []}
    assert sorted(folder.rglob("*.upload")) == before


def test_uploads_are_listed_and_removed(server, client):
    names = lambda kind: [one["name"] for one in client.call("GET", "/api/state")["uploads"][kind]]
    first, _ = (client.upload(name, drawn(40, 30)) for name in ("a.png", "b.png"))
    client.upload("c.png", drawn(80, 60), "styles")
    assert (names("photos"), names("styles")) == (["b", "a"], ["c"])
    address = f"/api/pictures/{first['id']}"
    assert Client(server).request("DELETE", address)[0] == 404
    assert client.call("DELETE", address) == {} and names("photos") == ["b"]
    assert client.request("GET", address)[0] == client.request("DELETE", address)[0] == 404
    assert client.request("DELETE", "/api/pictures/content-0")[0] == 404


def test_an_animation_is_said_to_be_one(client):
    more = [Image.new("RGB", (40, 30), "red")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = drawn(40, 30, kind, save_all=True, append_images=more)
        assert "only its first picture" in client.upload(f"a.{kind.lower()}", data)["note"]
    assert client.upload("b.gif", drawn(40, 30, "GIF"))["note"] == ""


def test_a_body_without_its_length_is_limited_too(client, folder):
    parts = (bytes(100_000) for _ in range(12))
    status, body = client.request("PUT", "/api/photos/a.jpg", parts)
    assert status == 400 and b"larger than 1 MB" in body


def test_an_upload_that_breaks_off_leaves_nothing(client, server, folder):
    before = sorted(folder.rglob("*.upload"))
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    with socket.create_connection(("127.0.0.1", server.port)) as half:
        half.sendall(
            f"PUT /api/photos/a.jpg HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n"
            "Content-Length: 5000\r\n\r\nabc".encode()
        )
        wait(lambda: sorted(folder.rglob("*.upload")) != before)
    wait(lambda: sorted(folder.rglob("*.upload")) == before)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"strength": 2}, "strength: must be from 0 to 1, not 2"),
        ({"size": 5000}, "size: must be from 128 to 1024"),
        ({"brush": "x"}, "brush must be a number"),
        ({"styles": []}, "choose one to 3"),
        ({"styles": [{"id": "style-0", "share": 0}]}, "not all 0"),
        ({"photo": "/etc/passwd"}, "no longer there"),
        ({"region": {"mask": "!", "style": "", "strength": 0}}, "mask: not a PNG file"),
        ({"region": {"mask": "", "style": "", "strength": 2}}, "region.strength: must be from 0"),
        ({"region": {"mask": "", "style": "x", "strength": 1}}, "no longer there"),
    ],
)
def test_bad_requests_give_one_line(client, change, words):
    assert words in client.call("POST", "/api/paint", {**ASKED, **change})


def test_what_is_no_request_of_the_page_gives_one_line(client):
    assert "not a request of the page" in client.call("POST", "/api/paint", b"\xff{")
    assert "more than 327680 bytes" in client.call("POST", "/api/paint", bytes(330_000))
    client.cookies.clear()
    assert "reload" in client.call("POST", "/api/paint", ASKED)


def test_the_page_calls_nothing_outside(client):
    assert client.status == 200 and b"<title>tfstyle</title>" in client.page
    assert "default-src 'self'" in client.headers["content-security-policy"]
    for path in (ROOT / "tfstyle" / "web" / "page").iterdir():
        assert not re.search(r"https?:|//[a-z]+\.|@import", path.read_text("utf-8")), path


def test_other_sites_are_refused(client, server):
    def status(method="POST", **headers):
        return client.request(method, "/api/paint", json.dumps(ASKED), **headers)[0]

    own = server.address.rstrip("/")
    assert status(Origin=own, Sec_Fetch_Site="same-origin") == 200
    assert status(Origin="http://evil.example") == 403
    assert status(Origin="null") == 403
    assert status(Origin=own.replace(str(server.port), "1")) == 403
    assert status(Sec_Fetch_Site="cross-site") == status(Sec_Fetch_Site="same-site") == 403
    assert status(Host="evil.example") == 421
    assert client.request("GET", "/", Host=f"evil.example:{server.port}")[0] == 421
    assert client.request("GET", "/", Host=f"localhost:{server.port}")[0] == 200


def test_it_ends_by_a_signal_and_leaves_no_file(tmp_path, examples):
    with running(tmp_path) as server:
        Client(server).upload(examples / "astronaut.jpg")
        assert [*tmp_path.rglob("*.upload")]
        assert server.stop() == 0
    assert [*tmp_path.rglob("*.upload")] == [] and [*tmp_path.glob(".tfstyle-*")] == []


def test_a_librarys_styles_are_on_the_shelf(tmp_path, painting, examples, monkeypatch, capfd):
    stylizer = Stylizer("mobile", engine=engines.fastest("mobile"))
    library = StyleLibrary(stylizer.model.code_identity())
    library.add("mine", stylizer.encode_style(painting), painting)
    library.save(tmp_path / "s.json")
    photo = examples / "chelsea.jpg"
    flags = [f"--style_library={tmp_path / 's.json'}", "--model=mobile", f"--content={photo}"]
    with running(tmp_path, *flags) as server:
        client = Client(server)
        state = client.call("GET", "/api/state")
        (style,) = state["styles"]
        assert (style["name"], style["has_painting"]) == ("mine", False)
        assert [one["name"] for one in state["photos"]] == ["chelsea"]
        asked = {**ASKED, "photo": "content-0", "styles": [{"id": style["id"], "share": 1}]}
        picture, data = picture_of(client, client.call("POST", "/api/paint", asked)["result"])
        content = images.read_image(photo, 128)
        expected = stylizer.paint(content, library.code("mine"), strength=0.6)[0]
        np.testing.assert_allclose(picture, expected, atol=1.1 / 255)
        assert "needs the painting" in client.call("POST", "/api/renders", asked)
    monkeypatch.setattr("tfstyle.web.painter._MOST_STYLES", 0)
    assert main(["web", "--no_browser", "--port=0", *flags]) == 1
    assert "1 styles, where the page has room for 0" in capfd.readouterr().err


# Without a server


def test_a_session_keeps_its_last_uploads_and_results(tmp_path, monkeypatch, examples):
    monkeypatch.setattr(sessions, "_MOST_PICTURES", 2)
    session = sessions.Session(tmp_path)
    accept = lambda kind, shape, name: None
    pictures = []
    for _ in range(3):
        path = session.new_file(".upload")
        path.write_bytes((examples / "chelsea.jpg").read_bytes())
        pictures.append(session.add_upload(path, "chelsea.jpg", PHOTOS, 60, accept)[0])
    assert [session.picture(one.id) for one in pictures] == [None, *pictures[1:]]
    assert [one.path.exists() for one in pictures] == [False, True, True]
    session.mark_used([pictures[1].id, "content-0"])
    path = session.new_file(".upload")
    path.write_bytes((examples / "chelsea.jpg").read_bytes())
    last, _ = session.add_upload(path, "chelsea.jpg", PHOTOS, 60, accept)
    assert session.uploads(PHOTOS) == [last, pictures[1]]
    results = []
    for _ in range(3):
        path = session.new_file(".png")
        path.touch()
        result = sessions.Result(path, "a", lambda path: path.touch())
        assert result.deep_path().suffix == ".tif"
        results.append(session.add_result(result))
    assert session.result(results[0]) is None and session.result(results[2]) is result
    assert len([*session.folder.iterdir()]) == 2 + 4


def test_a_render_keeps_its_photo_and_its_picture(tmp_path, monkeypatch, queue, renders, examples):
    monkeypatch.setattr(sessions, "_MOST_PICTURES", 2)
    session = sessions.Session(tmp_path)

    def add():
        path = session.new_file(".upload")
        path.write_bytes((examples / "chelsea.jpg").read_bytes())
        return session.add_upload(path, "a.jpg", PHOTOS, 60, lambda *_: None)[0]

    used = add()
    session.render = renders("long", used.path)
    others = [add(), add(), add()]
    assert session.uploads(PHOTOS) == [others[2], others[1], used]
    with pytest.raises(InputError, match="stop or cancel it first"):
        session.remove(used.id)
    session.render.result = session.add_result(sessions.Result(tmp_path / "r.png", "r", print))
    more = [session.add_result(sessions.Result(tmp_path / "p.png", "p", print)) for _ in range(3)]
    assert session.result(session.render.result) and session.result(more[0]) is None
    queue.cancel(session.render)
    wait(lambda: session.render.is_over)
    add()
    assert used not in session.uploads(PHOTOS) and not session.remove(used.id)


def test_a_model_of_named_styles_takes_no_paintings():
    config = WebCommand(model="gallery")
    shelf = Shelf(config)
    painter = Painter(config, shelf)
    assert not painter.takes_paintings and shelf.styles
    assert all(style.path is None for style in shelf.styles.values())
    with pytest.raises(InputError, match=r"^a\.jpg: this model paints in its own styles alone"):
        painter.check_upload(STYLES, (99, 99), "a.jpg")
    photo = next(iter(shelf.photos.values()))
    asked = Settings.parse(json.dumps({**ASKED, "size": 128}).encode(), 512)
    with pytest.raises(InputError, match=f"^{photo.name}: this model paints in its own styles"):
        painter.paint(photo, [photo], asked)


def test_messages_have_no_flags():
    found = messages.of_page(
        "--size=64: 64 leaves 3 pixels; a larger --style_scale needs --max_memory"
    )
    assert found == "size: 64 leaves 3 pixels; a larger brush needs max memory"


def test_the_session_not_used_for_longest_ends(queue, renders, tmp_path):
    found = sessions.Sessions(tmp_path, queue, most=2)
    first, second = found.start(), found.start()
    second.render = renders("long")
    assert found.find(first.id) is first
    third = found.start()
    assert found.find(second.id) is None and not second.folder.exists()
    assert found.find(first.id) is first and found.find(third.id) is third
    wait(lambda: second.render.state == "cancelled")
    assert found.find("") is None


def ask(app, path="/", host="127.0.0.1", query="", **headers):
    """Status and headers of an ASGI application's answer."""
    found = {}

    async def send(message):
        if message["type"] == "http.response.start":
            found["status"] = message["status"]
            found["headers"] = dict(message["headers"])

    async def receive():
        return {"type": "http.request", "body": b""}

    lines = [(name.encode(), value.encode()) for name, value in {"host": host, **headers}.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(),
             "headers": lines, "scheme": "http", "server": ("127.0.0.1", 1)}  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return found["status"], found["headers"]


async def open_page(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_token_is_asked_for_where_others_can_come():
    config = WebCommand(host="0.0.0.0")
    assert not config.is_private()
    app = Protection(open_page, config, "secret-token", "cookie")
    assert ask(app)[0] == ask(app, query="wrong")[0] == ask(app, "/page.js")[0] == 403
    status, headers = ask(app, query="token=secret-toke")
    assert status == 303 and headers[b"location"] == b"/?wrong" and b"set-cookie" not in headers
    assert ask(app, "/page.css")[0] == 200  # the asking page looks as the other
    assert ask(app, "/api/state")[0] == ask(app, cookie="cookie=other")[0] == 403
    status, headers = ask(app, query="token=secret-token")
    assert status == 303 and headers[b"location"] == b"/"
    assert headers[b"set-cookie"].startswith(b"cookie=secret-token; HttpOnly")
    assert ask(app, cookie="cookie=secret-token")[0] == 200
    for host, expected in (("192.168.1.7:80", 200), ("[fe80::1]:80", 200), ("evil.example", 421)):
        assert ask(app, host=host, cookie="cookie=secret-token")[0] == expected
    private = Protection(open_page, WebCommand(), "", "cookie")
    assert ask(private, host="192.168.1.7")[0] == 421 and ask(private, host="[::1]:7")[0] == 200


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--token=short"], "--token: give 8 characters"),
        (["--port=70000"], "--port: must be from 0 to 65535"),
        (["--host=192.0.2.1"], "this machine has no such address; 127.0.0.1 is this machine alone"),
        (["--host=999.1.1.1"], "--host=999.1.1.1: is no address"),
        (["--compare=x", "--style_library=y"], "--compare, --style_library: give one"),
        (["--compare=nowhere"], "--compare: nowhere: no such folder"),
        (["--content=nowhere"], "--content: nowhere: no such file"),
        (["--model=nothing"], "--model: 'nothing' is no .keras file"),
    ],
)
def test_bad_flags_give_one_line(flags, words, capfd):
    assert main(["web", "--no_browser", *flags]) == 1
    assert words in capfd.readouterr().err


def test_all_addresses_are_printed_by_name_and_number(tmp_path):
    with running(tmp_path, "--host=0.0.0.0") as server:
        name, *numbers = re.findall(r"http://(\S+?):\d+/\?token=", server.line)
        assert name == socket.gethostname() and len(numbers) <= 1
        for number in numbers:
            assert ipaddress.ip_address(number).version == 4
        address = f"/?token={server.token}"
        wrong, right = Client(server, address[:-1]), Client(server, address)
        assert wrong.status == right.status == 303
        assert b"That token is wrong" in wrong.request("GET", wrong.headers["location"])[1]
        assert b"wrong" not in wrong.request("GET", "/")[1]
        assert right.request("GET", "/")[0] == 200


def test_a_port_that_is_taken_gives_one_line(capfd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["web", "--no_browser", f"--port={taken.getsockname()[1]}"]) == 1
    assert "--port=0 takes a free port" in capfd.readouterr().err


def test_without_its_packages_one_line_says_what_to_install(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "tfstyle.web.serving", raising=False)
    monkeypatch.delattr("tfstyle.web.serving", raising=False)
    assert main(["web", "--no_browser", "--port=0"]) == 1
    assert "pip install -e '.[web]'" in capfd.readouterr().err


# Renders, by a process that only says that it renders


def pretend(connection):
    """Reports without end until a stop is asked; the photo's name says what happens."""
    while True:
        task = connection.recv()
        if not isinstance(task, Task):
            continue
        kind = task.command.content[0]
        if kind == "dies":
            return
        complete = kind in ("quick", "bad", "slow")
        if kind == "slow":
            connection.send(Report(0.0, 7.0, "64 × 64"))
            time.sleep(0.5)
        while not complete:
            connection.send(Report(0.5, 7.0, "64 × 64", b"preview"))
            if kind != "deaf" and connection.poll(0.02):
                break
            time.sleep(0.02)
        if connection.poll():
            connection.recv()
        task.output.write_bytes(b"picture")
        connection.send(End(complete, "too small" if kind == "bad" else ""))


@pytest.fixture
def queue(monkeypatch):
    monkeypatch.setattr(render_worker, "serve", pretend)
    monkeypatch.setattr(render_queue, "_PATIENCE", 0.3)
    found = render_queue.RenderQueue()
    yield found
    found.close()


@pytest.fixture
def renders(queue, tmp_path):
    """Adds a render of a kind to the queue."""
    asked = Settings.parse(json.dumps(ASKED).encode(), 512)

    def add(kind, photo="photo"):
        output = tmp_path / f"{kind}-{time.monotonic_ns()}.png"
        command = asked.render_command(kind, ["mosaic"])
        render = render_queue.Render(
            kind, kind, settings=asked, command=command, content=photo, styles=["painting"],
            names=["mosaic"], region_style=None, region_name="", output=output,
        )  # fmt: skip
        queue.add(render)
        return render

    return add


def wait(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def test_renders_wait_for_each_other_and_stop_with_their_picture(queue, renders):
    first, second, third = renders("long"), renders("long"), renders("quick")
    wait(lambda: first.previews > 1)
    assert (first.preview, first.report.done, first.state) == (b"preview", 0.5, "running")
    assert [queue.place(one) for one in (first, second, third)] == [0, 1, 2]
    queue.cancel(second)
    assert second.state == "cancelled" and queue.place(third) == 1
    assert application._described(second) is None, "no page follows it any more"
    assert application._described(first)["photo"] == ASKED["photo"]
    queue.stop(first)
    wait(lambda: third.is_over)
    assert (first.state, third.state) == ("stopped", "done")
    assert first.task.output.read_bytes() == b"picture"


def test_the_pace_is_that_of_the_last_render(queue, renders):
    """Settings of 20 iterations at 128 pixels."""
    before = queue.pace
    quick = renders("quick")
    wait(lambda: quick.is_over)
    assert queue.pace == before
    slow = renders("slow")
    wait(lambda: queue.pace != before)
    assert slow.state == "done" and 0.5 < queue.pace * 20 * 0.128**2 < 20


@pytest.mark.parametrize("kind", ["long", "deaf"])
def test_a_cancelled_render_leaves_nothing_and_is_killed_if_it_must(queue, renders, kind):
    render = renders(kind)
    wait(lambda: render.previews)
    queue.cancel(render)
    wait(lambda: render.is_over)
    assert render.state == "cancelled" and not render.task.output.exists()
    after = renders("quick")
    wait(lambda: after.is_over)
    assert after.state == "done"


def test_failures_of_a_render_and_the_end_of_its_process_are_told(queue, renders):
    bad, dies, quick = renders("bad"), renders("dies"), renders("quick")
    wait(lambda: quick.is_over)
    assert (bad.state, bad.error) == ("failed", "too small")
    assert dies.state == "failed" and "process was ended" in dies.error
    assert quick.state == "done"


def test_the_queue_has_an_end(queue, renders):
    found = [renders("long")]
    wait(lambda: found[0].state == "running")
    found += [renders("long") for _ in range(render_queue._MOST_WAITING)]
    with pytest.raises(InputError, match="16 renders are waiting"):
        renders("long")
    for one in reversed(found):
        queue.cancel(one)
