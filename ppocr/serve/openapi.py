"""What the OpenAPI document says of the addresses that take files, with examples."""

from __future__ import annotations

from typing import Any, Dict, List

from ppocr.serve.uploads import MEDIA_TYPES, RequestOptions

_LINE = {"text": "STARLIGHT MART", "score": 0.9876, "box": [[177, 95], [339, 92], [340, 113], [178, 117]]}
_PAGE = {"file": "receipt.jpg", "page": 0, "width": 900, "height": 600, "seconds": 0.2871, "lines": [_LINE]}
_JOB = {"id": "Zk3…", "status": "running", "format": "json", "files": 1, "pages": 3, "errors": [], "reason": ""}
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def _parameters() -> List[Dict[str, Any]]:
    properties = RequestOptions.model_json_schema()["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description", ""),
            "schema": {key: value for key, value in schema.items() if key != "title"},
        }
        for name, schema in properties.items()
    ]


_BODY = {
    "parameters": _parameters(),
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "array", "items": _BINARY["schema"]}},
                    "required": ["file"],
                }
            },
            "image/*": _BINARY,
            "application/pdf": _BINARY,
            "application/octet-stream": _BINARY,
        },
    },
}
_REFUSALS: Dict[Any, Dict[str, Any]] = {
    401: {"description": "The API key is missing or wrong"},
    408: {"description": "The body did not arrive in time"},
    413: {"description": "The body is too large"},
    422: {"description": "A file cannot be read, or an option is wrong"},
    503: {"description": "Too much to do; try again after Retry-After seconds"},
}


def _results() -> Dict[str, Any]:
    content: Dict[str, Any] = {
        media.partition(";")[0]: {"schema": {"type": "string"}} for media in MEDIA_TYPES.values()
    }
    content["application/json"] = {"schema": {"type": "array", "items": {"type": "object"}}, "example": [_PAGE]}
    return {"description": "The pages, in order", "content": content}


OCR: Dict[str, Any] = {
    "summary": "Read files",
    "description": "One file as the body, or several as multipart/form-data. `jsonl` is sent page by page.",
    "openapi_extra": _BODY,
    "responses": {200: _results(), **_REFUSALS},
}
JOBS: Dict[str, Any] = {
    "summary": "Read files later",
    "description": "As POST /ocr, for what takes longer; answers at once with the job's id.",
    "status_code": 202,
    "openapi_extra": _BODY,
    "responses": {202: {"content": {"application/json": {"example": _JOB}}}, **_REFUSALS},
}
JOB: Dict[str, Any] = {
    "summary": "How far a job is",
    "responses": {200: {"content": {"application/json": {"example": _JOB}}}, 404: {"description": "No such job"}},
}
RESULT: Dict[str, Any] = {
    "summary": "What a job has read",
    "responses": {200: _results(), 404: {"description": "No such job"}, 409: {"description": "It is still running"}},
}
CANCEL: Dict[str, Any] = {
    "summary": "Stop a job and delete its result",
    "status_code": 204,
    "responses": {404: {"description": "No such job"}},
}
