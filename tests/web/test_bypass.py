"""A bypassed node in a chain, as for a comparison with and without it: the chain goes on."""

from __future__ import annotations

from typing import Any

from ..server.client import Client
from ..server.pictures import difference, pixels
from ..server.server import Server
from .browser import Editor
from .pictures import astronaut, upload

RUN, BYPASSED = 0, 4  # values of a node's `mode`


class Chain:
    """Load Image -> Detect -> Align -> Restore -> Paste, with previews of what Paste gives."""

    def __init__(self, editor: Editor, server: Server) -> None:
        self.editor, self.server = editor, server
        image = editor.add("LoadImage", 0, 0, image=upload(server, astronaut(), "bypass.png"))
        detector = editor.add("PaniniLoadDetector", 0, 400)
        model = editor.add("PaniniLoadModel", 0, 600)
        detect = editor.add("PaniniDetectFaces", 350, 0)
        self.align = editor.add("PaniniAlignFaces", 700, 0)
        self.restore = editor.add("PaniniRestoreFaces", 700, 300)
        self.paste = editor.add("PaniniPasteFaces", 1050, 0)
        self.picture = editor.add("PreviewImage", 1400, 0)
        self.report = editor.add("PreviewAny", 1400, 400)
        editor.link(image, "IMAGE", detect, "image")
        editor.link(detector, "detector", detect, "detector")
        editor.link(image, "IMAGE", self.align, "image")
        editor.link(detect, "faces", self.align, "faces")
        editor.link(model, "model", self.restore, "model")
        editor.link(self.align, "faces", self.restore, "faces")
        editor.link(image, "IMAGE", self.paste, "image")
        editor.link(self.restore, "faces", self.paste, "faces")
        editor.link(self.restore, "crops", self.paste, "crops")
        editor.link(self.paste, "image", self.picture, "images")
        editor.link(self.paste, "report", self.report, "source")

    def set_mode(self, mode: int, *nodes: str) -> None:
        for node in nodes:
            self.editor.evaluate("(id, mode) => { panini.node(id).mode = mode; }", node, mode)

    def run(self) -> tuple[dict[str, Any], float, str]:
        """What Paste Faces was queued with, how far its picture is from the one that was loaded
        (levels of 255), and its report."""
        prompt = self.editor.run()
        look = "(id) => app.nodeOutputs[id]"
        [shown] = self.editor.evaluate(look, self.picture)["images"]
        [report] = self.editor.evaluate(look, self.report)["text"]
        with Client(self.server.url) as client:
            change = difference(pixels(client.picture(shown)), pixels(astronaut()))
        return prompt[self.paste]["inputs"], change, report


def test_a_chain_goes_on_without_the_nodes_that_are_bypassed(
    editor: Editor, web_server: Server
) -> None:
    chain = Chain(editor, web_server)
    inputs, change, report = chain.run()
    assert "crops" in inputs and change > 0.1
    assert report == "image 0: faces drawn: 1"

    for bypassed in ([chain.restore], [chain.restore, chain.align]):
        chain.set_mode(BYPASSED, *bypassed)
        inputs, change, report = chain.run()
        assert "faces" in inputs
        assert change == 0
        assert "bypassed" in report or "faces drawn" in report, report

    chain.set_mode(RUN, chain.restore, chain.align)
    assert chain.run()[1] > 0.1
