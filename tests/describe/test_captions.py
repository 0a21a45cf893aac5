"""Given captions, captions from the vocabulary, and captions by a vision server."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from describe_chat_server import answers, says, slow, status
from PIL import Image

import latentdiff
from latentdiff.describe.captions import CaptionFailure, GivenCaptions, read_captions
from latentdiff.describe.endpoint import ChatEndpoint
from latentdiff.describe.usage import Budget
from latentdiff.describe.vision_endpoint import EndpointCaptioner
from latentdiff.describe.vocabulary_captions import VocabularyCaptioner
from latentdiff.errors import Cancelled, EndpointError, InputError


def captioner(server, **changes) -> EndpointCaptioner:
    endpoint = ChatEndpoint(server.url, "eye", key="k-1234567", backoff=0.01, retries=1, **changes.pop("endpoint", {}))
    return EndpointCaptioner(endpoint, **changes)


def sent_image(request) -> Image.Image:
    (part,) = (p for p in request["messages"][1]["content"] if p["type"] == "image_url")
    head, _, data = part["image_url"]["url"].partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_given_captions_and_files_of_them(tmp_path) -> None:
    (tmp_path / "c.csv").write_text('path,caption\nx/1.jpg,"a dog, running"\nx/1.jpg,a brown dog\nx/2.jpg,a\u202e cat\n', encoding="utf8")
    lines = [{"path": "x/1.jpg", "caption": "a dog, running"}, {"path": "x/1.jpg", "caption": "a brown dog"}]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf8")
    key = str(tmp_path / "x/1.jpg")
    read = read_captions(tmp_path / "c.csv")
    assert read[key] == read_captions(tmp_path / "c.jsonl")[key] == ["a dog, running", "a brown dog"]
    given = GivenCaptions(read)
    found = given.captions([str(tmp_path / "x/2.jpg"), key, "other"])
    assert found[:2] == ["a cat", "a dog, running. a brown dog"] and isinstance(found[2], CaptionFailure) and given.sends == ""


def test_texts_of_several_lines_stay_whole(tmp_path) -> None:
    (tmp_path / "c.csv").write_text('path,caption\n1.jpg,"a dog\non grass"\n', encoding="utf8")
    (tmp_path / "c.jsonl").write_text('{"path": "1.jpg", "caption": "a dog\u2028on\u0085grass"}\r\n', encoding="utf8")
    key = str(tmp_path / "1.jpg")
    assert read_captions(tmp_path / "c.csv")[key] == ["a dog\non grass"]
    assert read_captions(tmp_path / "c.jsonl")[key] == ["a dog\u2028on\u0085grass"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.csv", "file,text\na,b\n", "line 2.*has no path and caption"),
        ("c.jsonl", '{"path": "a", "caption": "b"}\nnot json\n', "line 2"),
        ("c.jsonl", "", "holds no captions"),
        ("c.jsonl", '{"path": "a", "caption": 3}', "line 1"),
    ],
)
def test_caption_files_that_cannot_be_used(tmp_path, name, text, message) -> None:
    (tmp_path / name).write_text(text, encoding="utf8")
    with pytest.raises(InputError, match=message):
        read_captions(tmp_path / name)
    with pytest.raises(InputError, match="cannot be read"):
        read_captions(tmp_path / "missing.csv")


def test_vocabulary_captions_name_the_nearest_words() -> None:
    """Orthogonal words; the image is a mixture of two of them."""
    words = [f"word{i}" for i in range(8)]
    vocabulary = latentdiff.Vocabulary(words, np.eye(8, dtype=np.float32))
    x = np.zeros((2, 8), np.float32)
    x[0, [2, 5]], x[1, 7] = (1.0, 0.8), 1.0
    mixture, single = VocabularyCaptioner(vocabulary, np.zeros(8), words=2).captions(x)
    assert mixture == "word2 word5, word2, word5"  # the pair lies nearer than either word
    assert single.startswith("word7, ")


def test_vocabulary_captions_fail_alone() -> None:
    vocabulary = latentdiff.Vocabulary(["a", "b"], np.eye(2, dtype=np.float32))
    bad, good = VocabularyCaptioner(vocabulary, np.zeros(2)).captions(np.array([[np.nan, 1], [0, 1]]))
    assert isinstance(bad, CaptionFailure) and good.startswith("b")
    with pytest.raises(InputError, match=r"shape \(2,\)"):
        VocabularyCaptioner(vocabulary, np.zeros(3))


def test_images_are_sent_small_and_without_their_names(server, tmp_path) -> None:
    big = tmp_path / "patient John Smith.jpg"
    exif = Image.Exif()
    exif[0x010E] = "home address"
    Image.new("RGB", (1600, 800), (200, 30, 30)).save(big, exif=exif)
    server.script = [says("A red wall.")]
    one = captioner(server, longest=256)
    assert one.captions([big]) == ["A red wall."]
    image = sent_image(server.requests[0])
    assert image.size == (256, 128) and abs(np.asarray(image)[64, 128].astype(int) - (200, 30, 30)).max() < 8
    assert not image.getexif() and "Smith" not in json.dumps(server.requests) and "address" not in json.dumps(server.requests)
    assert one.endpoint.account.images == 1 and "images" in one.sends and server.url in one.sends


def test_small_images_stay_as_they_are(server, pictures) -> None:
    server.script = [says("noise")]
    captioner(server).captions(pictures[:1])
    assert sent_image(server.requests[0]).size == (50, 40)


def test_captions_come_in_order_and_are_cached(server, pictures) -> None:
    server.script = [answers(lambda body: f"an image {sent_image(body).width} wide")]
    wanted = [f"an image {50 + i} wide" for i in range(6)]
    assert captioner(server, at_once=3).captions(pictures) == wanted
    assert captioner(server).captions(pictures[::-1]) == wanted[::-1] and len(server.requests) == 6
    captioner(server, prompt="Which colours?").captions(pictures[:2])
    assert len(server.requests) == 8


def test_equal_numbers_under_another_palette_are_another_picture(server) -> None:
    """Pictures with a palette: the same pixels, and two captions."""
    server.script = [says("red"), says("green"), says("wrong")]
    pictures = []
    for colour in ((255, 0, 0), (0, 255, 0)):
        picture = Image.new("P", (8, 8))
        picture.putpalette(colour)
        pictures.append(picture)
    assert pictures[0].tobytes() == pictures[1].tobytes()
    one = captioner(server, at_once=1)
    assert one.captions(pictures) == one.captions(pictures) == ["red", "green"]


def test_failures_are_values_and_are_not_cached(server, pictures, tmp_path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG nothing")
    server.script = [says("I'm sorry, I can't help with that.")]
    found = captioner(server).captions([broken, *pictures[:1]])
    assert all(isinstance(c, CaptionFailure) for c in found) and "refused" in found[1].reason
    server.script = [says("noise")]
    assert captioner(server).captions(pictures[:1]) == ["noise"]


def test_a_dead_server_is_given_up(server, pictures) -> None:
    """Three batches in a row without one caption: no more is sent."""
    server.script = [status(401, "bad key")]
    with pytest.raises(EndpointError, match="takes no request without its key"):
        captioner(server, at_once=1).captions(pictures)
    assert len(server.requests) == 3


def test_the_budget_ends_captions_with_those_that_are_there(server, pictures) -> None:
    server.script = [says("noise")]
    found = captioner(server, at_once=1, endpoint={"budget": Budget(calls=4)}).captions(pictures)
    assert found[:4] == ["noise"] * 4 and all("budget of 4 calls" in c.reason for c in found[4:])


def test_cancelling_captions(server, pictures) -> None:
    server.script = [slow]
    looks: list[float] = []

    def progress(fraction: float, label: str) -> None:
        looks.append(fraction)
        if len(looks) > 3:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        captioner(server).captions(pictures, progress=progress)
