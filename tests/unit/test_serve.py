"""The server's answers, in this process; tests/unit/test_serve_process.py has the processes and signals."""

import json
import time

import pytest
from fastapi.testclient import TestClient
from serve_fakes import ThreadPool, png, tiff

from ppocr.infer.io.writers import FORMATS
from ppocr.infer.options import OCROptions
from ppocr.serve import jobs
from ppocr.serve.admission import Budget
from ppocr.serve.app import create_app
from ppocr.serve.metrics import Metrics
from ppocr.serve.process import PageOptions
from ppocr.serve.settings import ServeSettings
from ppocr.serve.uploads import MEDIA_TYPES, RequestOptions

KEY = "0123456789abcdef"


@pytest.fixture
def make_client():
    clients = []

    def make(**settings):
        readers = {"tiny": OCROptions(), "japan": OCROptions()}
        settings = ServeSettings(readers, **{"max_body_bytes": 100_000, **settings})
        pool, metrics, budget = ThreadPool(), Metrics(), Budget(settings)
        client = TestClient(create_app(settings, pool, metrics, budget))
        client.pool, client.budget = pool, budget
        clients.append(client.__enter__())
        return client

    yield make
    for client in clients:
        client.pool.gate.set()
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client):
    return make_client()


def texts(pages):
    return [line["text"] for page in pages for line in page["lines"]]


def test_the_forms_are_those_of_the_command(client):
    assert set(MEDIA_TYPES) == set(FORMATS)
    assert set(RequestOptions.model_json_schema()["properties"]["format"]["anyOf"][0]["enum"]) == set(FORMATS)
    for form, media in MEDIA_TYPES.items():
        answer = client.post(f"/ocr?format={form}", content=png())
        assert answer.status_code == 200 and answer.headers["content-type"] == media, form
        by_accept = client.post("/ocr", content=png(), headers={"Accept": f"{media}, */*;q=0.1"})
        assert by_accept.headers["content-type"] == media and by_accept.content[:4] == answer.content[:4]


def test_a_body_and_a_form_give_the_same(client):
    alone = client.post("/ocr?name=a.png", content=png(7)).json()
    (page,) = client.post("/ocr", files={"file": ("folder\\../a.png", png(7))}).json()
    assert alone == [page] and page["file"] == "a.png" and texts(alone) == ["shade 7"]


def test_several_files_in_order_with_their_options_beside_them(client):
    files = [("file", ("a.tif", tiff(1, 2))), ("other", ("b.png", png(3)))]
    pages = client.post("/ocr", files=files, data={"words": "true", "format": "json"}).json()
    assert [(page["file"], page["page"]) for page in pages] == [("a.tif", 0), ("a.tif", 1), ("b.png", 0)]
    assert [word["text"] for word in pages[2]["lines"][0]["words"]] == ["shade", "3"]


def test_json_lines_come_page_by_page(client):
    answer = client.post("/ocr?format=jsonl", content=tiff(1, 2, 3))
    assert texts(map(json.loads, answer.text.splitlines())) == ["shade 1", "shade 2", "shade 3"]


def test_what_cannot_be_read_is_told_and_the_rest_is_read(client):
    files = [("file", ("bad.png", b"nothing")), ("file", ("good.png", png(5)))]
    bad, good = client.post("/ocr", files=files).json()
    assert bad["file"] == "bad.png" and bad["error"] and good["lines"]
    as_text = client.post("/ocr?format=text", files=files)
    assert as_text.headers["X-OCR-Errors"] == "1" and "shade 5" in as_text.text
    for form in ("json", "jsonl", "pdf"):
        answer = client.post(f"/ocr?format={form}&name=bad.png", content=b"nothing")
        assert answer.status_code == 422 and "bad.png" in answer.json()["detail"], form


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("format=docx", "format"), ("formt=json", "formt"), ("dpi=9999", "dpi"), ("lang=klingon", "tiny, japan"),
        ("order=random", "order"), ("drop_score=2", "drop_score"), ("words=1&words=0", "given twice"),
        ("max_pages=0", "max_pages"),
    ],
)  # fmt: skip
def test_wrong_options_are_told(client, query, told):
    answer = client.post(f"/ocr?{query}", content=png())
    assert answer.status_code == 422 and told in answer.json()["detail"]
    assert not client.pool.read


def test_no_file_and_broken_forms_are_told(client):
    assert client.post("/ocr").status_code == 422
    form = {"Content-Type": "multipart/form-data"}
    assert client.post("/ocr", content=b"x", headers=form).status_code == 422
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    assert client.post("/ocr", content=b"--b\r\nnonsense", headers=form).status_code == 422
    many = [("file", (f"{n}.png", b"x")) for n in range(60)]
    assert "Too many files" in client.post("/ocr", files=many).json()["detail"]


def test_options_reach_the_worker(client):
    client.post("/ocr?lang=japan&dpi=200&max_pages=3&format=pdf", content=png())
    (work,) = client.pool.read
    assert (work.reader, work.reading.dpi, work.reading.max_pages, work.pictures) == ("japan", 200, 3, True)
    client.post("/ocr?max_pages=999999&timeout=9999", content=png())
    assert client.pool.read[1].reading.max_pages == 1000  # the server's limits
    assert client.pool.read[1].reading.seconds == 60
    client.post("/ocr?order=columns&orientation=off&drop_score=0.2&upright=1&chars=1&timeout=2", content=png())
    assert client.pool.read[2].options == PageOptions("columns", "off", 0.2, True, True)
    assert client.pool.read[2].reading.seconds == 2 and not client.pool.read[1].options.spans


def test_paths_of_the_server_cannot_be_named(client):
    for name in ("/etc/passwd", "../../etc/passwd", "-", "file:///etc/passwd"):
        assert client.post("/ocr", params={"name": name}, content=png(9)).json()[0]["file"] in ("passwd", "-")
        assert client.post("/ocr", params={"name": name}, content=name.encode()).status_code == 422


def test_large_bodies_are_refused_whether_or_not_they_say_so(client):
    assert client.post("/ocr", content=bytes(100_001)).status_code == 413
    chunks = (bytes(50_000) for _ in range(3))
    assert client.post("/ocr", content=chunks).status_code == 413  # without a Content-Length
    assert client.budget.requests == client.budget.bytes == 0 and not client.pool.read


def test_too_much_at_once_is_refused_before_it_is_read(make_client):
    client = make_client(max_requests=2)
    client.pool.gate.clear()
    for _ in range(2):
        assert client.post("/jobs", content=png()).status_code == 202
    assert client.budget.requests == 2
    read = []

    def body():
        read.append(1)
        yield png()

    answer = client.post("/ocr", content=body())
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
    client.pool.gate.set()
    wait_for(lambda: client.budget.requests == 0)
    assert client.post("/ocr", content=png()).status_code == 200


def test_bytes_are_limited_over_all_requests(make_client):
    client = make_client(max_bytes=150_000)
    client.pool.gate.clear()
    assert client.post("/jobs", content=png() + bytes(80_000)).status_code == 202
    assert client.post("/ocr", content=bytes(90_000)).status_code == 503
    client.pool.gate.set()


def test_a_key_is_asked_of_everything_but_the_page_and_the_checks(make_client):
    client = make_client(api_key=KEY)
    assert [client.get(path).status_code for path in ("/", "/health", "/ready")] == [200] * 3
    assert [client.get(path).status_code for path in ("/metrics", "/info", "/jobs/x")] == [401] * 3
    assert client.post("/ocr", content=png()).status_code == 401
    for headers in ({"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}):
        assert client.post("/ocr", content=png(), headers=headers).status_code == 200
    for headers in ({"X-API-Key": KEY[:-1]}, {"X-API-Key": "é" * 16}, {"Authorization": f"Basic {KEY}"}):
        headers = {name: value.encode() for name, value in headers.items()}
        assert client.post("/ocr", content=png(), headers=headers).status_code == 401


def test_pages_of_other_sites_may_not_ask(client):
    assert client.post("/ocr", content=png(), headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post("/ocr", content=png(), headers={"Origin": "http://testserver"}).status_code == 200


def wait_for(what, seconds=10.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_job_from_begin_to_end(client):
    client.pool.gate.clear()
    started = client.post("/jobs?format=text", content=tiff(1, 2))
    assert started.status_code == 202
    place = started.headers["Location"]
    assert client.get(place).json()["status"] == "running" and client.get(place + "/result").status_code == 409
    client.pool.gate.set()
    wait_for(lambda: client.get(place).json()["status"] == "done")
    assert client.get(place).json()["pages"] == 2
    assert client.get(place + "/result").text == "shade 1\n\fshade 2\n"
    assert client.delete(place).status_code == 204 and client.get(place).status_code == 404


def test_a_job_that_reads_nothing_has_failed(client):
    place = client.post("/jobs", content=b"nothing").headers["Location"]
    wait_for(lambda: client.get(place).json()["status"] == "failed")
    assert "nothing" not in client.get(place).text and client.get(place).json()["errors"]


def test_a_running_job_can_be_stopped(client):
    client.pool.gate.clear()
    place = client.post("/jobs", content=tiff(*range(30))).headers["Location"]
    assert client.delete(place).status_code == 204 and client.budget.requests == 0
    client.pool.gate.set()
    assert client.post("/ocr", content=png(5)).status_code == 200  # the worker is free again


def test_results_are_kept_for_a_while_and_not_too_many(make_client, monkeypatch):
    monkeypatch.setattr(jobs, "CLEAN_SECONDS", 0.01)
    client = make_client(max_jobs=1, job_seconds=0.2)
    place = client.post("/jobs", content=png()).headers["Location"]
    assert client.post("/jobs", content=png()).status_code == 503
    wait_for(lambda: client.get(place).status_code == 404)
    assert client.post("/jobs", content=png()).status_code == 202


def test_results_lie_in_a_private_folder_that_goes_with_the_server(make_client, monkeypatch, tmp_path):
    monkeypatch.setattr(jobs.tempfile, "tempdir", str(tmp_path))
    client = make_client()
    client.post("/jobs", content=png())
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    client.__exit__(None, None, None)
    assert not folder.exists()


def test_numbers_are_shown_and_nothing_of_what_was_read(client, caplog):
    caplog.set_level("DEBUG")
    client.post("/ocr?name=secret.png", content=png(42))
    client.post("/ocr?name=secret.png", content=b"nothing")
    shown = client.get("/metrics").text
    assert 'ppocr_requests_total{status="200"} 1.0' in shown and 'ppocr_pages_total{outcome="failed"} 1.0' in shown
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("ppocr.serve")]
    assert ours and not any("secret" in message or "shade" in message for message in ours)


def test_the_page_may_run_its_own_script_only(client):
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and policy.count("'sha256-") == 2 and "unsafe" not in policy
    assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "") and "https://" not in answer.text
    assert " onclick=" not in answer.text and " style=" not in answer.text


def test_the_openapi_document_names_every_option(client):
    document = client.get("/openapi.json").json()
    named = {parameter["name"] for parameter in document["paths"]["/ocr"]["post"]["parameters"]}
    assert named == set(RequestOptions.model_fields)
    assert client.get("/docs").status_code == 404  # it would load scripts from elsewhere
    assert client.get("/info").json()["languages"] == ["tiny", "japan"]
