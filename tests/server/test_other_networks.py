"""Other methods' restorers and ComfyUI's upscale models, between its nodes and ours."""

from __future__ import annotations

import numpy as np
import pytest

from .client import Client
from .lab import Lab
from .model_files import installed, write_inverter, write_restore_former, write_upscaler
from .pictures import images, portrait
from .server import Server


def test_an_upscale_model_draws_the_background(client: Client, server: Server) -> None:
    """Of the node that does it all, and of Paste Faces; the faces are drawn onto it."""
    with installed(server, "upscale_models/x2.pth", write_upscaler):
        lab = Lab(client)
        picture = lab.picture(portrait(), "portrait.png")
        upscaler = [lab.add("UpscaleModelLoader", model_name="x2.pth"), 0]
        chosen = {"upscale": 2.0, "upscale_model": upscaler}
        whole = lab.restore(picture, **chosen)
        faces = lab.align(picture)
        crops = lab.add("PaniniRestoreFaces", model=lab.model, faces=faces)
        pasted = lab.add("PaniniPasteFaces", image=picture, faces=faces, crops=[crops, 0], **chosen)
        shown = [lab.show_pasting(node) for node in (whole, pasted)]
        run = client.run(lab.prompt).raise_for_error()
    by_node = [[images(client, run, number) for number in previews] for previews in shown]
    for before, after, mask in by_node:
        repeated = before.repeat(2, 1).repeat(2, 2)
        assert after.shape == repeated.shape
        outside = mask[..., 0] == 0
        assert 0.1 < outside.mean() < 0.98
        assert np.array_equal(after[outside], repeated[outside])
        assert (after != repeated).any()
    assert np.array_equal(by_node[0][1], by_node[1][1])


def test_what_another_restorer_lacks_is_said(client: Client, server: Server) -> None:
    with installed(server, "facerestore_models/RestoreFormer.pth", write_restore_former):
        lab = Lab(client)
        faces = lab.align(lab.picture(portrait(), "portrait.png"))
        other = [lab.add("PaniniLoadModel", model_name="RestoreFormer.pth", dtype="fp32"), 0]
        degradation = lab.add("PaniniExtractDegradation", model=lab.model, faces=faces)
        restore = lab.add(
            "PaniniRestoreFaces", model=other, faces=faces, degradation=[degradation, 0]
        )
        lab.show_image([restore, 0])
        run = client.run(lab.prompt)
    assert run.status == "error" and run.error is not None
    assert (run.error.node, run.error.exception_type) == (restore, "ValueError")
    assert "RestoreFormer (RestoreFormer.pth) knows no degradation" in run.error.message


def test_a_restorer_in_onnx_takes_paninis_place(client: Client, server: Server) -> None:
    pytest.importorskip("onnxruntime")
    with installed(server, "facerestore_models/GPEN-BFR-512.onnx", write_inverter):
        lab = Lab(client)
        picture = lab.picture(portrait(), "portrait.png")
        model = [lab.add("PaniniLoadModel", model_name="GPEN-BFR-512.onnx", dtype="auto"), 0]
        faces = lab.align(picture)
        crops = lab.show_image([faces[0], 0])
        restored = lab.add("PaniniRestoreFaces", model=model, faces=faces)
        shown = lab.show_image([restored, 0])
        run = client.run(lab.prompt).raise_for_error()
    [before], [after] = (images(client, run, number) for number in (crops, shown))
    assert np.abs(after.astype(int) + before.astype(int) - 255).max() <= 1
