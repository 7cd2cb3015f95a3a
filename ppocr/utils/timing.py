"""Times that can be compared although the machine is busy."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Mapping


def times_by_turns(work: Mapping[str, Callable[[], Any]], turns: int) -> Dict[str, List[float]]:
    """Milliseconds of processor time of each run; all take turns, since a busy moment then hits all alike."""
    times: Dict[str, List[float]] = {name: [] for name in work}
    for _ in range(turns):
        for name, run in work.items():
            begin = time.process_time()
            run()
            times[name].append(1e3 * (time.process_time() - begin))
    return times
