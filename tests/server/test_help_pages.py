"""The help pages, where the front end looks for them."""

from __future__ import annotations

from urllib.error import HTTPError

import pytest

from .client import Client
from .server import FOLDER_NAME, PROJECT_ROOT

DOCS = f"/extensions/{FOLDER_NAME}/docs"


def test_english_pages_are_there_under_their_language_and_without(client: Client) -> None:
    pages = sorted((PROJECT_ROOT / "web" / "docs").glob("*.md"))
    assert len(pages) > 10
    for page in pages:
        for name in (f"{page.stem}/en.md", page.name):
            assert client.get(f"{DOCS}/{name}") == page.read_bytes(), name
    with pytest.raises(HTTPError, match="404"):
        client.get(f"{DOCS}/PaniniNothing/en.md")
