"""The process that puts original pages into a searchable PDF; started by `graft`, it imports nothing of ours.

qpdf reads files of strangers, in C++: it may crash, take all the memory, or never end. Here that ends this process
only, whose memory and time the system limits.

Standard input: `Plan` of `graft` in JSON. Standard output: `{"problems": {source: why its pages stay pictures}}`.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List, Mapping, Sequence, Tuple

Matrix = Tuple[float, float, float, float, float, float]


def main() -> None:
    sys.path[:] = sys.argv[1:]  # where our parent finds packages
    plan = json.loads(sys.stdin.buffer.read())
    _limit(plan["memory"], plan["seconds"])
    sys.stdout.write(json.dumps({"problems": put_in(plan)}))


def put_in(plan: Mapping[str, Any]) -> Dict[str, str]:
    """Write the PDF with original pages. Told are the sources that cannot be used: their pages stay pictures."""
    import pikepdf

    problems: Dict[str, str] = {}
    with pikepdf.open(plan["pdf"]) as pictures:
        groups: Dict[str, List[Tuple[int, Mapping[str, Any]]]] = {}
        for number, page in enumerate(plan["pages"]):
            groups.setdefault(page["source"], []).append((number, page))
        opened = {}
        for source, pages in groups.items():
            if any(page["is_kept"] for _, page in pages):
                try:
                    opened[source] = _open(source, pages)
                except (pikepdf.PdfError, ValueError, OSError) as error:
                    problems[source] = str(error).partition("\n")[0] or type(error).__name__
        if len(groups) == 1 and opened:  # the document itself, with its outline, forms and attachments
            (source, original), pages = next(iter(opened.items())), groups[next(iter(opened))]
            _into_document(original, pictures, pages)
            original.save(plan["output"])
        else:
            for source, original in opened.items():
                _into_pictures(pictures, original, groups[source])
            pictures.save(plan["output"])
    return problems


def _open(source: str, pages: Sequence[Tuple[int, Mapping[str, Any]]]) -> Any:
    import pikepdf

    original = pikepdf.open(source)
    if original.is_encrypted:
        raise ValueError("it is encrypted")
    if len(original.pages) <= max(page["page"] for _, page in pages):
        raise ValueError("it has fewer pages than were read")
    return original


def _into_document(original: Any, pictures: Any, pages: Sequence[Tuple[int, Mapping[str, Any]]]) -> None:
    for number, page in pages:
        target = original.pages[page["page"]]
        if not page["is_kept"]:
            target.emplace(original.copy_foreign(pictures.pages[number]))
        else:
            _finish(original, target, pictures, pictures.pages[number], page)


def _into_pictures(pictures: Any, original: Any, pages: Sequence[Tuple[int, Mapping[str, Any]]]) -> None:
    import pikepdf

    for number, page in pages:
        if page["is_kept"]:
            drawn = pikepdf.Page(pictures.pages[number].obj)
            pictures.pages[number] = original.pages[page["page"]]
            _finish(pictures, pictures.pages[number], pictures, drawn, page)


def _finish(document: Any, target: Any, pictures: Any, drawn: Any, page: Mapping[str, Any]) -> None:
    """Turn a page upright and lay the text of its picture over it, as far as that is wanted."""
    if page["turn"]:
        target.rotate(-page["turn"], relative=True)
    if page["has_text"]:
        _lay_over(document, target, pictures, drawn)


def _lay_over(document: Any, target: Any, pictures: Any, drawn: Any) -> None:
    from pikepdf import Array, Dictionary, Name

    _, _, width, height = map(float, drawn.mediabox)
    form = pictures.make_stream(
        drawn.obj.Contents[-1].read_bytes(),  # the last one is the text
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=Array([0, 0, width, height]),
        Resources=Dictionary(Font=drawn.obj.Resources.Font),
    )
    if document is not pictures:
        form = document.copy_foreign(form)
    matrix = placement(_visible(target), int(_inherited(target, "/Rotate", 0)), width, height)
    name = target.add_resource(form, Name.XObject)
    target.contents_add(b"q\n", prepend=True)
    numbers = " ".join(f"{number:.6f}" for number in matrix)
    target.contents_add(f"\nQ q {numbers} cm {name} Do Q\n".encode())


def _inherited(page: Any, key: str, default: Any) -> Any:
    node, steps = page.obj, 0
    while key not in node and "/Parent" in node and steps < 100:
        node, steps = node.Parent, steps + 1
    return node.get(key, default)


def _visible(page: Any) -> Tuple[float, float, float, float]:
    """Left, bottom, right and top of what is shown of a page, in its own units."""
    boxes = []
    for box in (page.mediabox, page.cropbox):
        x1, y1, x2, y2 = map(float, box)
        boxes.append((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))
    (a, b, c, d), (e, f, g, h) = boxes
    left, bottom, right, top = max(a, e), max(b, f), min(c, g), min(d, h)
    return (left, bottom, right, top) if left < right and bottom < top else boxes[0]


def placement(visible: Tuple[float, float, float, float], rotation: int, width: float, height: float) -> Matrix:
    """The matrix from a page as it is shown, `width` × `height` from its lower left corner, to its own units.

    Args:
        visible: left, bottom, right, top in the page's own units.
        rotation: by which the page is shown, degrees clockwise.
    """
    left, bottom, right, top = visible
    across, up = right - left, top - bottom
    turns = rotation // 90 % 4
    if turns % 2:
        x, y = across / height, up / width
    else:
        x, y = across / width, up / height
    return (
        (x, 0.0, 0.0, y, left, bottom),
        (0.0, y, -x, 0.0, right, bottom),
        (-x, 0.0, 0.0, -y, right, top),
        (0.0, -y, x, 0.0, left, top),
    )[turns]


def _limit(memory: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, count in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds)):
        _, hard = resource.getrlimit(what)
        allowed = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(what, (allowed, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
