"""The widgets speak the language of the front end."""

from __future__ import annotations

from playwright.sync_api import expect

from ..server.server import Server
from .browser import Editor
from .conftest import change_setting


def test_the_widgets_are_translated(editor: Editor, web_server: Server) -> None:
    change_setting(web_server, "Comfy.Locale", "zh")
    try:
        editor.open()
        editor.clear()
        editor.add("PaniniDetectFaces", 0, 0)
        expect(editor.page.get_by_text("运行后可查看人脸。")).to_be_visible()
    finally:
        change_setting(web_server, "Comfy.Locale", "en")
