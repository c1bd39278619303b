"""Which encoding the bytes of a text are in that are not UTF-8, told so that no text is lost by a wrong guess.

In go bytes; out come words for an error and its remedy: names of encodings, each with a passage as it reads in it, by
which the user sees which is right, and the command that converts the file. charset-normalizer guesses.

    b"5 \\x80 \\x96 it\\x92s"   ->   "reads as WINDOWS-1252 (5 € – it’s)",   iconv -f WINDOWS-1252 -t UTF-8
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import islice

_LOOKED_AT = 1 << 14  # bytes; a guess gets no better with more
_SHOWN = 24  # characters before and after the first one that is not ASCII
_GUESSES = 3
_MOSTLY = 0.6
_MARKS = {
    **{codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32"},  # begins like that of UTF-16
    **{codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"},
}
# Encodings that people's files are in, by Python's names, and as iconv knows them.
_KNOWN = {
    **{f"cp125{page}": f"WINDOWS-125{page}" for page in range(9)},
    **{"mac_roman": "MACINTOSH", "mac_cyrillic": "MAC-CYRILLIC", "koi8_r": "KOI8-R", "cp866": "CP866"},
    **{"latin_1": "ISO-8859-1", "iso8859_2": "ISO-8859-2", "iso8859_5": "ISO-8859-5", "iso8859_7": "ISO-8859-7"},
    **{"gb18030": "GB18030", "big5": "BIG5", "cp932": "CP932", "euc_jp": "EUC-JP", "iso2022_jp": "ISO-2022-JP"},
    **{"cp949": "CP949", "tis_620": "TIS-620"},
}


def explain_encoding(data: bytes) -> tuple[str, str] | None:
    """What the bytes of a text read as, and how the file is converted; None where nothing fits, as of a binary file."""
    data = data[:_LOOKED_AT]
    guesses = dict(islice(_guesses(data), _GUESSES))
    if not guesses:
        return None
    first, *_ = guesses
    reading = ", or as ".join(f"{name} ({sample})" for name, sample in guesses.items())
    many = "" if len(guesses) == 1 else " (or the name under which the passage reads right)"
    return f"reads as {reading}", f"convert the file: iconv -f {first} -t UTF-8 OLD > NEW{many}"


def _guesses(data: bytes) -> Iterator[tuple[str, str]]:
    """Names of encodings, the likeliest first, and a passage in each; no passage twice."""
    wide = _wide(data)
    names = [(wide, wide)] if wide else [(name, _KNOWN[name]) for name in _narrow(data)]
    seen = set[str]()
    for name, told in names:
        text = data.decode(name, errors="ignore").lstrip("\ufeff")
        first = next((place for place, character in enumerate(text) if not character.isascii()), 0)
        sample = " ".join(text[max(0, first - _SHOWN) : first + _SHOWN].split())
        if sample not in seen:
            seen.add(sample)
            yield told, sample


def _wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32: by its mark or, where null bytes stand in a text, by what it reads as."""
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            return name
    for name in ("UTF-16LE", "UTF-16BE"):
        text = data[: len(data) // 2 * 2].decode(name, errors="replace")
        if b"\0" in data and text and all(c.isspace() or c.isprintable() for c in text) and re.search(r"\s", text):
            return name
    return None


def _narrow(data: bytes) -> list[str]:
    """What charset-normalizer finds; where text of mostly ASCII reads so too, Windows-1252 or Latin-1."""
    from charset_normalizer import from_bytes  # a tenth of a second, which text in UTF-8 does not need

    if b"\0" in data:
        return []
    found = [match.encoding for match in from_bytes(data, cp_isolation=list(_KNOWN), threshold=0.5)]
    western = "cp1252" if re.search(rb"[\x80-\x9f]", data) else "latin_1"
    text = data.decode(western, errors="ignore")
    if sum(byte < 0x80 for byte in data) > _MOSTLY * len(data) and any(
        data.decode(name, errors="ignore") == text for name in found
    ):
        found.insert(0, western)
    return [name for name in found if name in _KNOWN]
