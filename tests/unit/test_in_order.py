import threading
import time

import pytest

from ppocr.utils.in_order import map_in_order


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_order_is_that_of_the_items(threads):
    def slow_first(number):
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert list(map_in_order(slow_first, range(9), threads)) == [number * number for number in range(9)]


def test_threads_work_at_the_same_time():
    both = threading.Barrier(2, timeout=10)
    assert list(map_in_order(lambda _: both.wait() >= 0, range(2), 2)) == [True, True]


def test_no_more_is_taken_than_is_needed_soon():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    answers = map_in_order(str, items(), 2)
    assert [next(answers), next(answers)] == ["0", "1"]
    assert len(taken) <= 4
    answers.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_errors_come_in_their_place(threads):
    answers = map_in_order(lambda number: 1 // number, [2, 1, 0, 1], threads)
    assert [next(answers), next(answers)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(answers)
