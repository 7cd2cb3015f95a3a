"""What a request brings: files, and options in the query or beside the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Literal, Mapping, Optional, Tuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from ppocr.infer.io.sources import ReadOptions
from ppocr.infer.io.writers import FORMATS
from ppocr.serve.process import PageOptions
from ppocr.serve.settings import ServeSettings

MAX_FIELDS = 20
MAX_NAME_CHARACTERS = 200
DEFAULT_NAME = "upload"

MEDIA_TYPES = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "text": "text/plain; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "hocr": "application/xhtml+xml; charset=utf-8",
    "markdown": "text/markdown; charset=utf-8",
    "pdf": "application/pdf",
}


class BadRequest(Exception):
    """A request that cannot be done; `status` and a sentence that says why."""

    def __init__(self, status: int, why: str):
        super().__init__(why)
        self.status = status


class RequestOptions(BaseModel):
    """Options of one request, as of `ppocr ocr`."""

    model_config = ConfigDict(extra="forbid")

    format: Optional[Literal["text", "json", "jsonl", "tsv", "hocr", "markdown", "pdf"]] = Field(
        None, description="form of the answer; by default what Accept asks for, else json"
    )
    words: bool = Field(False, description="json, jsonl: each line's words with their boxes")
    chars: bool = Field(False, description="json, jsonl: each line's characters with their boxes")
    order: Optional[Literal["rows", "columns", "auto"]] = Field(
        None, description="of the lines; by default the server's"
    )
    orientation: Optional[Literal["auto", "off"]] = Field(
        None, description="auto: pages that lie turned are read upright"
    )
    upright: bool = Field(False, description="boxes of a page that lies turned in the upright picture")
    drop_score: Optional[float] = Field(None, ge=0, le=1, description="lines with a lower score are left out")
    dpi: float = Field(144.0, ge=36, le=600, description="resolution at which PDF pages are rendered")
    max_pages: Optional[int] = Field(None, ge=1, description="most pages of a file; the server has a limit, too")
    timeout: Optional[float] = Field(None, gt=0, description="seconds for a page; the server has a limit, too")
    pdf_text: Literal["auto", "force", "skip"] = Field(
        "auto", description="text that PDF pages hold: take it where it can stand for what is seen, always, or never"
    )
    lang: Optional[str] = Field(None, max_length=40, description="one of the server's readers (GET /info)")


@dataclass(frozen=True)
class Upload:
    """One file of a request."""

    name: str
    data: bytes


async def read_request(request: Request, settings: ServeSettings) -> Tuple[List[Upload], RequestOptions]:
    """Files and options.

    Raises:
        BadRequest: they cannot be used.
    """
    given: Dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        _add(given, name, value)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data":
        uploads = await _form(request, settings, given)
    else:
        name = str(given.pop("name", DEFAULT_NAME))
        uploads = [Upload(_plain_name(name), await request.body())]
    if not uploads or not any(upload.data for upload in uploads):
        raise BadRequest(422, "no file came: send the bytes of one as the body, or several as multipart/form-data")
    return uploads, _options(given, settings)


async def _form(request: Request, settings: ServeSettings, given: Dict[str, Any]) -> List[Upload]:
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=settings.max_files, max_fields=MAX_FIELDS, max_part_size=1000
    )
    # Never to the disk: what is sent stays in memory. The name changed in Starlette 0.44.
    parser.spool_max_size = parser.max_file_size = settings.max_body_bytes + 1  # type: ignore[attr-defined]
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise BadRequest(422, f"not a usable form: {getattr(error, 'message', 'it has no boundary')}") from None
    uploads = []
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                uploads.append(Upload(_plain_name(value.filename or DEFAULT_NAME), await value.read()))
            else:
                _add(given, name, value)
    finally:
        await form.close()
    return uploads


def _add(given: Dict[str, Any], name: str, value: str) -> None:
    if name in given:
        raise BadRequest(422, f"{name}: given twice")
    given[name] = value


def _options(given: Mapping[str, Any], settings: ServeSettings) -> RequestOptions:
    try:
        options = RequestOptions.model_validate(given)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise BadRequest(422, "; ".join(problems)) from None
    if options.lang is not None and options.lang not in settings.readers:
        raise BadRequest(422, f"lang: this server reads {', '.join(settings.readers)}")
    return options


def form_of(options: RequestOptions, accept: str) -> str:
    """The form of the answer: the option, else the first that the Accept header names, else JSON."""
    if options.format is not None:
        return options.format
    for part in accept.split(","):
        wanted = part.partition(";")[0].strip().lower()
        for form in FORMATS:
            if form in MEDIA_TYPES and MEDIA_TYPES[form].partition(";")[0] == wanted:
                return form
    return "json"


def read_options(options: RequestOptions, settings: ServeSettings) -> ReadOptions:
    pages = min(options.max_pages or settings.max_pages, settings.max_pages)
    seconds = min(options.timeout or settings.page_seconds, settings.page_seconds)
    return ReadOptions(options.dpi, settings.max_pixels, pages, seconds, options.pdf_text)


def page_options(options: RequestOptions, form: str) -> PageOptions:
    """How pages are read; where words stand is looked for only if the answer says it."""
    spans = form in ("hocr", "pdf") or options.words or options.chars
    return PageOptions(options.order, options.orientation, options.drop_score, options.upright, spans)


def _plain_name(name: str) -> str:
    """A file's name without folders, for the results; it never names anything of the server."""
    plain = name.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in plain if character.isprintable())[:MAX_NAME_CHARACTERS] or DEFAULT_NAME
