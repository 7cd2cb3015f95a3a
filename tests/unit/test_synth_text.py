"""Which characters fonts have, what is written, and that every character gets its turn."""

import numpy as np
import pytest
from synth_fonts import CHINESE, make_font

from ppocr.data.synth import faces, patterns
from ppocr.data.synth.corpus import BALANCED_LINE_INTERVAL, Corpus
from ppocr.data.synth.dictionary import NAMES, build_dictionary
from ppocr.data.synth.faces import read_faces
from ppocr.data.synth.fonts import FontLibrary
from ppocr.data.synth.languages import ASCII, LANGUAGES, find_languages
from ppocr.data.synth.words import own_dictionary
from ppocr.errors import ConfigError, MissingExtraError
from ppocr.ops.charset import Charset


def rng(*numbers):
    return np.random.default_rng(numbers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fonts")
    make_font(folder / "latin.ttf", ASCII + LANGUAGES["fr"].letters, family="Latin One", empty="ß")
    make_font(folder / "chinese.ttf", ASCII + CHINESE, family="Square SC")
    return folder


@pytest.fixture
def library(folder, tmp_path):
    return FontLibrary(find_languages(["zh", "en"]), [folder], cache=tmp_path)


# --- fonts ---


def test_characters_without_glyph_or_ink_are_not_covered(folder, tmp_path):
    (face,) = read_faces([folder / "latin.ttf"], tmp_path)
    assert face.covers("Abc é ?") and face.covers("")
    assert not face.covers("ß")  # mapped, but to an empty glyph
    assert not face.covers("中") and not face.covers("a\U0001f600")


def test_a_font_is_read_once_until_it_changes(folder, tmp_path, monkeypatch):
    font = make_font(tmp_path / "a.ttf")
    before = read_faces([font], tmp_path / "cache")
    monkeypatch.setattr(faces, "_describe", lambda path: pytest.fail("read again"))
    assert read_faces([font], tmp_path / "cache") == before
    monkeypatch.undo()
    make_font(font, ASCII + "é")
    assert read_faces([font], tmp_path / "cache")[0].covers("é")


def test_damaged_and_symbol_fonts_are_left_out(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"\0\1\0\0 no font at all")
    make_font(tmp_path / "signs.ttf", family="Weather Icons")
    assert read_faces(sorted(tmp_path.glob("*.ttf")), tmp_path / "cache") == []


def test_only_fonts_that_have_every_character_are_chosen(library):
    for seed in range(20):
        assert library.choose("中文ab", "zh", rng(seed)) is None  # 文 is in no font
        assert library.choose("中国ab", "zh", rng(seed)).family == "Square SC"
    assert {library.choose("ab", "en", rng(seed)).family for seed in range(30)} == {"Latin One", "Square SC"}


def test_a_language_without_font_is_told_with_what_to_install(folder, tmp_path):
    with pytest.raises(ConfigError, match=r"Korean.*fonts-noto-cjk"):
        FontLibrary(find_languages(["en", "ko"]), [folder], cache=tmp_path)
    with pytest.raises(ConfigError, match="does not exist"):
        FontLibrary(find_languages(["en"]), [folder / "nowhere"], cache=tmp_path)
    with pytest.raises(ConfigError, match="'english' is not known"):
        find_languages(["english"])


def test_another_languages_shapes_are_not_used(folder, tmp_path):
    japanese = make_font(tmp_path / "jp.ttf", ASCII + CHINESE, family="Square JP")
    library = FontLibrary(find_languages(["zh"]), [folder, japanese], cache=tmp_path)
    assert {face.family for face in library.by_language["zh"]} == {"Square SC"}


# --- what is written ---


@pytest.fixture
def corpus(library, tmp_path):
    (tmp_path / "zh.txt").write_text("中国人大上来，他们在这里说\n出生的时候就知道要学会自己\n\n", encoding="utf-8")
    (tmp_path / "en.txt").write_text("The quick  brown fox jumps over\nthe lazy dog\n", encoding="utf-8")
    files = {"zh": [tmp_path / "zh.txt"], "en": [tmp_path / "en.txt"]}

    def build(characters=None):
        return Corpus(find_languages(["zh", "en"]), library, characters=characters, files=files)

    return build


def test_every_character_that_a_font_has_gets_its_turn(corpus):
    characters = [*CHINESE, *ASCII, "龘"]  # the last one is in no font
    written = corpus(characters)
    turns = len(written.turns("zh"))
    assert set(written.turns("zh")) == {*CHINESE, *ASCII}
    lines = [written.line(rng(i), "zh", longest=10, turn=BALANCED_LINE_INTERVAL * i) for i in range(turns)]
    assert set("".join(lines)) >= {*CHINESE, *ASCII}
    assert "龘" not in "".join(lines)


@pytest.mark.parametrize("code", ["zh", "en"])
def test_lines_hold_what_was_asked_for(corpus, code):
    characters = [*CHINESE, *ASCII]
    charset = Charset(characters, use_space_char=True)
    written = corpus(charset.characters)
    for i in range(300):
        line = written.line(rng(i), code, longest=12, rarity=i % 2, turn=i)
        assert 1 <= len(line) <= 12 and line == line.strip()
        indices = np.array(charset.encode(line))
        spread = np.stack([indices, np.zeros_like(indices)], axis=1).ravel()  # blanks between, as CTC emits them
        assert charset.decode(spread, np.ones(len(spread), np.float32))[0] == line


def test_english_keeps_its_spaces_and_a_dictionary_without_one_gets_none(corpus):
    spaced = [corpus().sentence(rng(i), "en", 25) for i in range(20)]
    assert any(" " in text for text in spaced) and not any("  " in text for text in spaced)
    assert set(" ".join(spaced).split()) <= {"The", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"}
    tight = corpus([*CHINESE, *ASCII])
    assert not any(" " in tight.line(rng(i), "en", longest=25, turn=i) for i in range(100))


def test_a_dictionary_with_one_entry_for_all_the_rest_does_not_limit_what_is_written(corpus):
    text = "".join(corpus(["a", "b", "\ufffd"]).line(rng(i), "en", longest=20) for i in range(50))
    assert set(text) - {"a", "b"}


def test_files_that_cannot_be_used_are_told(library, tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Corpus(find_languages(["en"]), library, files={"en": [tmp_path / "none.txt"]})
    (tmp_path / "other.txt").write_text("текст", encoding="utf-8")
    with pytest.raises(ConfigError, match="nothing in"):
        Corpus(find_languages(["en"]), library, files={"en": [tmp_path / "other.txt"]})


def test_word_lists_need_the_extra(library, monkeypatch):
    from ppocr.data.synth.words import frequency_list

    frequency_list.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "wordfreq", None)
    with pytest.raises(MissingExtraError, match=r"ppocr\[synth\]"):
        Corpus(find_languages(["en"]), library)


def test_word_lists_are_words_of_the_language_the_common_ones_first(library):
    written = Corpus(find_languages(["en"]), library)
    common = " ".join(written.sentence(rng(i), "en", 40, 0.0) for i in range(50)).lower().split()
    rare = " ".join(written.sentence(rng(i), "en", 40, 1.0) for i in range(50)).lower().split()
    assert sum(word in {"the", "to", "and", "of", "in", "you", "that", "for"} for word in common) > 5
    assert np.mean([len(word) for word in rare]) > np.mean([len(word) for word in common]) + 0.5


@pytest.mark.parametrize("code", list(LANGUAGES))
def test_every_kind_of_pattern_makes_short_text_on_one_line(code):
    for maker in patterns.MAKERS.values():
        for i in range(40):
            text = maker(rng(i), code)
            assert text.strip() and text.isprintable() and len(text) < 60, (maker, text)
    assert len({patterns.make(rng(i), code) for i in range(60)}) > 50


# --- dictionaries ---


@pytest.mark.parametrize("name", NAMES)
def test_the_dictionaries_of_the_package_are_what_the_command_builds(name):
    built = build_dictionary(name)
    assert len(built) == len(set(built)) and all(len(character) == 1 for character in built)
    if name == "en63":
        assert len(built) == 63
    else:
        assert built == own_dictionary(name)
        assert set(ASCII) | set(LANGUAGES[name].letters) <= set(built)
