"""Images between ComfyUI and the core, files, and networks under ComfyUI's management."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from .pack import Pack


@pytest.fixture
def host(comfy_pack: Pack) -> Any:
    return comfy_pack.part("nodes.host")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_images_go_in_and_come_back(host: Any, channels: int, dtype: torch.dtype) -> None:
    image = torch.rand(2, 5, 7, channels).to(dtype)
    images = host.to_images(image)
    assert images.shape == (2, 3, 5, 7)
    back = host.to_image(images, image)
    assert back.dtype == dtype
    if channels == 1:
        assert torch.equal(back, image.expand(-1, -1, -1, 3))
    else:
        assert torch.equal(back, image)


def test_alpha_grows_with_the_picture(host: Any) -> None:
    image = torch.rand(1, 4, 6, 4)
    image[..., 3] = 0.25
    enlarged = host.to_image(torch.rand(1, 3, 8, 12), image)
    assert enlarged.shape == (1, 8, 12, 4)
    assert torch.allclose(enlarged[..., 3], torch.tensor(0.25))


def test_what_is_no_image_is_refused(host: Any) -> None:
    with pytest.raises(ValueError, match="Expected an IMAGE"):
        host.to_images(torch.zeros(1, 4, 4, 2))
    with pytest.raises(ValueError, match="Expected an IMAGE"):
        host.to_images(torch.zeros(4, 4, 3))


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7), (1, 1, 5, 7), (1, 5, 7, 1)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.bool])
def test_masks_come_in_in_all_their_shapes(
    host: Any, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    mask = (torch.arange(35).reshape(1, 1, 5, 7) % 2).to(dtype)
    found = host.to_masks(mask.reshape(shape))
    assert found.dtype == torch.float32
    assert torch.equal(found, mask.float())


def test_batches_of_masks_keep_their_order(host: Any) -> None:
    masks = torch.rand(3, 1, 5, 7)
    for given in (masks, masks[:, 0], masks.movedim(1, -1)):
        assert torch.equal(host.to_masks(given), masks)
    for wrong in (torch.rand(2, 5, 7, 3), torch.rand(7), torch.rand(1, 1, 1, 5, 7)):
        with pytest.raises(ValueError, match="Expected a MASK"):
            host.to_masks(wrong)


def test_an_image_can_be_changed_where_it_is(host: Any) -> None:
    """As other nodes do: no two of its values are one in memory."""
    for images in (host.blank(4, 6), torch.rand(2, 1, 4, 6).expand(-1, 3, -1, -1)):
        image = host.to_image(images)
        before = image.clone()
        image[..., 0] += 1
        assert torch.equal(image[..., 1:], before[..., 1:])
        assert torch.equal(image[..., 0], before[..., 0] + 1)


def test_managed_networks_stay_as_they_are(host: Any) -> None:
    """ComfyUI writes attributes on what it loads; a property of that name would break."""

    class Network(nn.Linear):
        @property
        def device(self) -> torch.device:
            return self.weight.device

    network = Network(2, 2)
    managed = host.manage(network, Path("x.safetensors"))
    assert managed.load(working_memory=1e6) is network
    assert managed.network is network
    assert managed.source == Path("x.safetensors")
    assert network.device.type == "cpu"


def test_progress_stops_when_interrupted(host: Any) -> None:
    comfy_memory = import_module("comfy.model_management")
    progress = host.Progress(preview=True)
    progress(1, 2, torch.rand(1, 3, 8, 8))
    comfy_memory.interrupt_current_processing(True)
    with pytest.raises(comfy_memory.InterruptProcessingException):
        progress(2, 2, torch.rand(1, 3, 8, 8))
    progress(2, 2)  # the flag is used up


def test_fingerprints_follow_the_file(host: Any) -> None:
    folder_paths = import_module("folder_paths")
    folder = Path(folder_paths.models_dir) / host.MODEL_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "fingerprint.pth"
    assert "missing" in host.fingerprint(host.MODEL_FOLDER, file.name)
    file.write_bytes(b"1")
    first = host.fingerprint(host.MODEL_FOLDER, file.name)
    file.write_bytes(b"22")
    assert host.fingerprint(host.MODEL_FOLDER, file.name) != first
    assert host.find_file(host.MODEL_FOLDER, file.name) == file
    file.unlink()
    with pytest.raises(FileNotFoundError, match="refresh the lists"):
        host.find_file(host.MODEL_FOLDER, file.name)


def test_what_the_host_does_not_know_is_left_out(host: Any) -> None:
    def maker(known: int) -> int:
        return known

    assert host.supported(maker, known=1, later=2) == {"known": 1}


def test_previews_are_files_that_can_be_viewed(host: Any) -> None:
    folder_paths = import_module("folder_paths")
    reference = host.save_preview(torch.rand(3, 40, 80), longest=20)
    assert reference["type"] == "temp"
    from PIL import Image

    path = Path(folder_paths.get_temp_directory()) / reference["filename"]
    assert Image.open(path).size == (20, 10)
    path.unlink()


class Gain(nn.Module):
    """Gives its input times one back, and keeps it; a face model gives more besides."""

    def __init__(self, more: bool) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()), requires_grad=False)
        self.more, self.seen = more, torch.empty(0)

    def forward(self, pictures: torch.Tensor) -> object:
        self.seen = pictures
        result = pictures * self.gain
        return (result, []) if self.more else result


class Descriptor:
    """What spandrel's descriptors offer, around a network that gives its input back."""

    class architecture:
        id = name = "Gain"

    input_channels = output_channels = 3
    supports_half = supports_bfloat16 = True
    tiling, scale = None, 1

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose
        self.model = Gain(purpose == "FaceSR")

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        return self.model(image)


def test_other_face_models_get_their_range_and_size(host: Any) -> None:
    for purpose, side in (("FaceSR", 512), ("SR", 8)):
        descriptor = Descriptor(purpose)
        images = torch.rand(2, 3, side, side)
        result = host.apply_image_model(descriptor, images)
        assert torch.allclose(result, images, atol=1e-6)
        expected = images[1:] * 2 - 1 if purpose == "FaceSR" else images[1:]
        assert torch.equal(descriptor.model.seen, expected)
    small = host.apply_image_model(Descriptor("FaceSR"), torch.rand(1, 3, 64, 64))
    assert small.shape == (1, 3, 512, 512)


def test_upscale_models_are_borrowed(host: Any) -> None:
    with host.borrow_upscaler(None) as nothing:
        assert nothing is None
    picture = torch.rand(1, 3, 8, 8)
    with host.borrow_upscaler(Descriptor("SR")) as upscaler:
        assert torch.equal(upscaler(picture), picture)
    refused = pytest.raises(ValueError, match="found a face restorer")
    with refused, host.borrow_upscaler(Descriptor("FaceSR")):
        pass


def test_upscale_models_stop_between_tiles(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Exception):
        pass

    def stop() -> None:
        raise Interrupted

    memory = import_module("comfy.model_management")
    with host.borrow_upscaler(Descriptor("SR")) as upscaler:
        monkeypatch.setattr(memory, "throw_exception_if_processing_interrupted", stop)
        with pytest.raises(Interrupted):
            upscaler(torch.rand(1, 3, 8, 8))


def test_networks_of_other_methods_have_no_degradation(host: Any, comfy_pack: Pack) -> None:
    core = comfy_pack.core
    kind = core.RestorerKind("Other", lambda network, faces, _: network(faces)[0], size=64)
    model = host.manage(core.CropRestorer(Gain(True), kind), "other.pth")
    restorer, batch = host.load_restorer(model)
    assert restorer is model.network and batch == 1
    for ask in (host.load_panini, host.require_panini):
        with pytest.raises(ValueError, match=r"Other \(other\.pth\) knows no degradation"):
            ask(model)


def test_parsing_says_which_file_is_missing(host: Any) -> None:
    with pytest.raises(FileNotFoundError, match=r"parsing_parsenet\.pth.*or choose auto"):
        host.load_parser("parse")


@pytest.mark.parametrize("source", ["soft", "oval", "auto", "mask"])
def test_no_other_mask_needs_a_parser(host: Any, source: str) -> None:
    assert host.load_parser(source) is None


@pytest.mark.parametrize("installed", [True, False])
def test_auto_parses_where_a_file_and_its_network_are_found(
    host: Any, comfy_pack: Pack, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    folder_paths = import_module("folder_paths")
    file = Path(folder_paths.models_dir) / host.DETECTOR_FOLDER / "parsing_bisenet.pth"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    networks = comfy_pack.part("nodes.host.other_networks")
    loaded: list[Path] = []

    def load(path: Path) -> nn.Module:
        loaded.append(path)
        return nn.Identity()

    def find_spec(name: str) -> str | None:
        return name if installed else None

    monkeypatch.setattr(networks, "find_spec", find_spec)
    monkeypatch.setattr(comfy_pack.core, "load_parser", load, raising=False)
    try:
        found = [host.load_parser("auto") for _ in range(2)]
    finally:
        file.unlink()
    assert [isinstance(one, nn.Identity) for one in found] == [installed] * 2
    assert loaded == [file][:installed]  # once: it is kept


def test_onnx_files_are_models_and_atlases_are_none(host: Any, comfy_pack: Pack) -> None:
    folder_paths = import_module("folder_paths")
    folder = Path(folder_paths.models_dir) / host.MODEL_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("mine.safetensors", "mine.atlas.safetensors", "mine.onnx")]
    for file in files:
        file.touch()
    options = comfy_pack.nodes["PaniniLoadModel"].GET_SCHEMA().inputs[0].options
    assert files[0].name in options and files[2].name in options
    assert files[1].name not in options
    assert files[2].name not in folder_paths.get_filename_list(host.MODEL_FOLDER)  # of other packs
    for file in files:
        file.unlink()
