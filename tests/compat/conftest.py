"""A cache with dictionaries by PaddleOCR's names: as many characters as the originals have, but not theirs."""

import pytest

TOP = {"en_dict.txt": 95, "ic15_dict.txt": 36}
FOLDER = {
    "en_dict.txt": 63, "arabic_dict.txt": 161, "cyrillic_dict.txt": 163, "devanagari_dict.txt": 167,
    "french_dict.txt": 136, "german_dict.txt": 143, "japan_dict.txt": 4399, "korean_dict.txt": 3688,
    "latin_dict.txt": 185, "it_dict.txt": 118, "ka_dict.txt": 153, "ta_dict.txt": 128, "te_dict.txt": 151,
    "chinese_cht_dict.txt": 8421, "ppocrv5_dict.txt": 18383, "ppocrv5_eslav_dict.txt": 517,
    "ppocrv5_korean_dict.txt": 11945, "ppocrv5_latin_dict.txt": 836,
}  # fmt: skip


@pytest.fixture(scope="session")
def fetched(tmp_path_factory):
    """The cache folder."""
    home = tmp_path_factory.mktemp("home")
    for folder, sizes in (("dictionaries", TOP), ("dictionaries/dict", FOLDER)):
        (home / folder).mkdir()
        for name, size in sizes.items():
            characters = [chr(0x4E00 + number) for number in range(size)]
            (home / folder / name).write_text("\n".join(characters) + "\n", encoding="utf-8")
    return home


@pytest.fixture
def home(fetched, monkeypatch):
    monkeypatch.setenv("PPOCR_HOME", str(fetched))
    return fetched
