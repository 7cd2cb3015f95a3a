import pytest

from ppocr.utils import cpu


@pytest.mark.parametrize(
    "flags, expected", [({"avx2"}, True), ({"avx2", "avx512f"}, False), ({"asimd"}, False), (None, False)]
)
def test_processors_that_end_at_avx2(flags, expected, monkeypatch):
    monkeypatch.setattr(cpu, "processor", lambda: ("a processor", flags))
    assert cpu.ends_at_avx2() is expected
