"""Encodings are named with a passage that shows whether the name is right, and with what converts the file."""

import re

import pytest

from speclm.data.encoding import explain_encoding

FRENCH = "Voilà l’été: 5 € – “quoted” it’s a café in Düsseldorf, naïve façade. "  # noqa: RUF001
RUSSIAN = "Это простой текст о погоде и природе, который мы написали для проверки. "  # noqa: RUF001
POLISH = "Zażółć gęślą jaźń, a potem idź do sklepu po świeże pieczywo i żółty ser. "
CHINESE = "这是一个用来测试编码检测的中文句子今天天气很好我们去公园散步吧"
JAPANESE = "これは文字コードの検出を試すための日本語の文章です今日は天気がいいですね"


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        ("5 \u20ac \u2013 \u201cquoted\u201d it\u2019s\n", "cp1252", "WINDOWS-1252"),
        (FRENCH, "cp1252", "WINDOWS-1252"),
        ("caf\u00e9", "latin_1", "ISO-8859-1"),
        (FRENCH, "mac_roman", "MACINTOSH"),
        (RUSSIAN, "cp1251", "WINDOWS-1251"),
        (RUSSIAN, "koi8_r", "KOI8-R"),
        (POLISH, "cp1250", "WINDOWS-1250"),
        (CHINESE, "gbk", "GB18030"),
        (JAPANESE, "shift_jis", "CP932"),
        *((text, "utf-16", "UTF-16") for text in (FRENCH, RUSSIAN, JAPANESE)),
        *((text, "utf-16-le", "UTF-16LE") for text in (FRENCH, RUSSIAN)),
        (FRENCH, "utf-16-be", "UTF-16BE"),
        (FRENCH, "utf-32", "UTF-32"),
    ],
)
def test_the_name_is_told_with_a_passage_and_what_converts_the_file(text: str, encoding: str, name: str) -> None:
    explained = explain_encoding(text.encode(encoding))
    assert explained is not None
    reading, remedy = explained
    passage = reading.split(f"{name} (")[1].split(")")[0]
    assert len(passage) > 3 and passage in " ".join(text.split())
    assert re.search(r"iconv -f (\S+) -t UTF-8 OLD > NEW", remedy)[1] in reading  # type: ignore[index]


def test_quotes_and_dashes_of_word_processors_are_windows_s_first_of_all() -> None:
    assert (explain_encoding(b"5 \x80 \x96 \x93quoted\x94 it\x92s\n") or "")[0].startswith("reads as WINDOWS-1252 (5 €")


@pytest.mark.parametrize("data", [bytes(range(256)), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\0" * 99, b""])
def test_what_is_no_text_is_not_explained(data: bytes) -> None:
    assert explain_encoding(data) is None
