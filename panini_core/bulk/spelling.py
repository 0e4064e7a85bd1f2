"""Names of files that are no Unicode, as text that can be printed and stored."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def is_text(name: str) -> bool:
    """Whether UTF-8 has a place for it: Python reads other bytes of a name as surrogates."""
    return _SURROGATE.search(name) is None


def printable(name: str) -> str:
    """The name, or one of text alone that stands for it: a byte E9 that is no UTF-8 is %E9.

    Two names that are no text stay different; a name that is text stays as it is.
    """
    if is_text(name):
        return name
    return _SURROGATE.sub(_escape, name.replace("%", "%25"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"%{code - 0xDC00:02X}" if 0xDC80 <= code <= 0xDCFF else f"%u{code:04X}"
