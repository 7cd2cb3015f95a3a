import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppocr.errors import ConfigError
from ppocr.ops.charset import BLANK, REST, Charset, stored_charsets


def one_hot(indices, classes, probability=1.0):
    out = np.zeros((1, len(indices), classes), np.float32)
    out[0, np.arange(len(indices)), indices] = probability
    return out


def test_classes_are_blank_then_dictionary_then_space():
    charset = Charset(["a", "b"], use_space_char=True)
    assert charset.characters == ["a", "b", " "]
    assert charset.num_classes == 4
    assert charset.encode("b a") == [2, 3, 1]


def test_the_space_is_appended_to_a_dictionary_that_has_one():
    """As PaddleOCR counts: its English, Japanese, Korean and Latin models have a class for each of the two."""
    charset = Charset(["a", " ", "b"], use_space_char=True)
    assert charset.characters == ["a", " ", "b", " "] and charset.num_classes == 5
    assert charset.encode("b a") == [3, 4, 1]  # the last one is what PaddleOCR trains
    assert charset.decode_batch(one_hot([3, 2, 4, 1], 5))[0][0] == "b  a"
    assert Charset(["a", " ", "b"]).num_classes == 4


def test_a_final_list_is_taken_as_it_is():
    assert Charset(["a", " ", "b", " "]).num_classes == 5
    with pytest.raises(ValueError, match="entry 3 is ' ' again, as number 2"):
        Charset(["a", " ", " ", "b"])


@pytest.mark.parametrize(
    ("characters", "use_space_char", "classes"),
    [
        ("ab", False, [3]),  # our exports: the list is final
        ("ab ", False, [4]),
        ("a b ", False, [5]),
        ("ab", None, [4, 3]),  # PaddleOCR's exports: the dictionary alone, which Global.use_space_char may extend
        ("ab ", None, [5, 4]),
        ("ab", True, [4]),
        ("ab ", True, [5, 4]),  # our exports of before: the space was appended unless the dictionary had it
    ],
)
def test_what_a_stored_list_may_mean(characters, use_space_char, classes):
    readings = stored_charsets(list(characters), use_space_char)
    assert [charset.num_classes for charset in readings] == classes
    for charset in readings:
        assert charset.characters[: len(characters)] == list(characters)
        assert set(charset.characters[len(characters) :]) <= {" "}


def test_decoding_merges_repeats_and_drops_blanks():
    charset = Charset(["a", "b"])
    text, score = charset.decode_batch(one_hot([1, 1, BLANK, 1, 2, 2, BLANK], 3))[0]
    assert (text, score) == ("aab", 1.0)


def test_score_is_the_mean_over_characters_only():
    probabilities = one_hot([BLANK, 1, 2], 3)
    probabilities[0, 1, 1], probabilities[0, 2, 2] = 0.5, 0.7
    text, score = Charset(["a", "b"]).decode_batch(probabilities)[0]
    assert text == "ab"
    assert score == pytest.approx(0.6)


def test_nothing_read_is_empty_text_with_score_zero():
    assert Charset(["a"]).decode_batch(one_hot([BLANK, BLANK], 2)) == [("", 0.0)]


@given(st.text(alphabet="abc ", max_size=20))
def test_decode_undoes_encode(text):
    charset = Charset(["a", "b", "c"], use_space_char=True)
    path = [step for index in charset.encode(text) for step in (index, BLANK)] or [BLANK]
    assert charset.decode_batch(one_hot(path, charset.num_classes))[0][0] == text


def test_unknown_characters_are_told():
    with pytest.raises(ValueError, match="'xy'"):
        Charset(["a"]).encode("axyx")
    assert Charset(["a"]).unknown("axyx") == "xy"


def test_a_dictionary_with_the_rest_symbol_takes_every_character():
    assert Charset(["a", REST]).encode("aé") == [1, 2]


def test_file_lines_end_at_newline_only(tmp_path):
    path = tmp_path / "dict.txt"
    path.write_bytes("a\r\n\u3000\n\u2028\nb\n".encode())
    assert Charset.from_file(path).characters == ["a", "\u3000", "\u2028", "b"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a\nb\na\n", "dict.txt:3: .* is 'a' again, as number 1"),
        (b"a\n\nb\n", "dict.txt:2: .* is empty"),
        (b"\xff\n", "dict.txt: not a usable character dictionary: .*UTF-8"),
        (None, "dict.txt: not a usable character dictionary: .*No such file"),
    ],
)
def test_broken_dictionaries_are_told_with_file_and_line(tmp_path, content, told):
    path = tmp_path / "dict.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        Charset.from_file(path)


def test_logits_give_the_texts_and_scores_of_their_probabilities():
    random = np.random.default_rng(0)
    logits = random.normal(scale=4, size=(3, 12, 6)).astype(np.float32)
    exponents = np.exp(logits)
    charset = Charset(list("abcde"))
    from_logits = charset.decode_batch(logits, logits=True)
    from_probabilities = charset.decode_batch(exponents / exponents.sum(axis=2, keepdims=True))
    assert [text for text, _ in from_logits] == [text for text, _ in from_probabilities]
    np.testing.assert_allclose([s for _, s in from_logits], [s for _, s in from_probabilities], rtol=1e-5)
