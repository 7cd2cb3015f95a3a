"""Which kernels MKL is told to use."""

from __future__ import annotations

import os

import pytest

from ppocr.utils import mkl

AVX512 = "avx2 fma avx512f avx512dq avx512cd avx512bw avx512vl"


@pytest.mark.parametrize(
    "vendor, flags, kind",
    [
        ("AuthenticAMD", AVX512, "7"),
        ("AuthenticAMD", "sse4_2 avx2 fma", "5"),
        ("AuthenticAMD", "sse4_2", None),
        ("GenuineIntel", AVX512, None),  # which MKL knows
    ],
)
def test_kind_follows_the_processor(tmp_path, vendor, flags, kind):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu {flags} bmi2\n", encoding="utf-8")
    assert mkl.mkl_kind(cpuinfo) == kind


def test_unknown_system_is_left_alone(tmp_path):
    assert mkl.mkl_kind(tmp_path / "cpuinfo") is None


def test_what_a_user_set_stays(monkeypatch):
    monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", "4")
    monkeypatch.setattr(mkl, "mkl_kind", lambda cpuinfo: "7")
    mkl.choose_kernels_of_mkl()
    assert os.environ["MKL_DEBUG_CPU_TYPE"] == "4"
