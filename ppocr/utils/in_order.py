"""Work done by several threads at once, its results in order."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def map_in_order(function: Callable[[Item], Answer], items: Iterable[Item], threads: int) -> Iterator[Answer]:
    """`function(item)` of each item, in the order of the items.

    Items are taken in the caller's thread, at most one more than there are threads before their answers are wanted: so
    memory is bounded however many there are.

    With one thread, everything is done in the caller's.

    Raises:
        Whatever `function` or the iteration over `items` raises, in its place.
    """
    if threads == 1:
        yield from map(function, items)
        return
    from concurrent.futures import ThreadPoolExecutor  # a single thread does without

    waiting: deque[Future[Answer]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="ppocr") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # of a caller that wants no more, or after an error
            for future in waiting:
                future.cancel()
