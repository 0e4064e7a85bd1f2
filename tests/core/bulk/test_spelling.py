"""Names that are no Unicode become text."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from panini_core.bulk.spelling import is_text, printable

names = st.text(st.characters() | st.sampled_from("%25E9\udce9\udc80\ud800"), max_size=12)
others = st.builds("".join, st.tuples(names, st.sampled_from("\udce9\udc80\ud800"), names))


@given(names)
def test_a_name_becomes_text_and_text_stays(name: str) -> None:
    printable(name).encode("utf-8")
    assert is_text(printable(name))
    if is_text(name):
        assert printable(name) == name


@given(others, others)
def test_names_stay_different(one: str, other: str) -> None:
    assert (printable(one) == printable(other)) == (one == other)


def test_a_byte_is_spelled_as_in_addresses() -> None:
    assert printable(b"caf\xe9 100%.png".decode("utf-8", "surrogateescape")) == "caf%E9 100%25.png"
    assert printable(os.fsdecode("café".encode())) == "café"
