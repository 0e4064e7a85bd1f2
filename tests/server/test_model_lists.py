"""Model files are found where ComfyUI's users keep them, and the lists follow the folders."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from .client import Client
from .conftest import start

ODD_NAME = "Гесихта (Panini) 2.0"
MODELS = ("PaniniLoadModel", "model_name", "facerestore_models")
DETECTORS = ("PaniniLoadDetector", "detector_name", "facedetection")


@dataclass(frozen=True)
class Folders:
    """A running server, its own folder of models, and one that a configuration names."""

    client: Client
    own: Path
    extra: Path

    def listed(self, node: str, widget: str) -> list[str]:
        info = self.client.object_info(node)[node]
        return info["input"]["required"][widget][1]["options"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Generator[Folders]:
    base = tmp_path_factory.mktemp("base")
    extra = tmp_path_factory.mktemp("elsewhere") / "faces"
    for _, _, folder in (MODELS, DETECTORS):
        (base / "models" / folder / "sub").mkdir(parents=True)
        (base / "models" / folder / "own.safetensors").touch()
        (base / "models" / folder / "sub" / "below.pth").touch()
        (base / "models" / folder / "readme.txt").touch()
        (extra / folder).mkdir(parents=True)
        (extra / folder / "extra.pth").touch()
    config = extra / "paths.yaml"
    config.write_text(
        f"others:\n  base_path: {extra}\n"
        + "".join(f"  {folder}: {folder}\n" for _, _, folder in (MODELS, DETECTORS)),
        encoding="utf-8",
    )
    with ExitStack() as stack:
        server = start(stack, base, extra_model_paths=config, folder_name=ODD_NAME)
        client = stack.enter_context(Client(server.url))
        yield Folders(client, base / "models", extra)


def test_the_pack_loads_under_any_folder_name(folders: Folders) -> None:
    ours = [info for name, info in folders.client.object_info().items() if "Panini" in name]
    assert len(ours) > 10
    assert {info["python_module"] for info in ours} == {f"custom_nodes.{ODD_NAME}"}


@pytest.mark.parametrize(("node", "widget", "folder"), [MODELS, DETECTORS])
def test_files_of_all_folders_are_listed(
    folders: Folders, node: str, widget: str, folder: str
) -> None:
    listed = folders.listed(node, widget)
    below = str(Path("sub") / "below.pth")
    assert {"own.safetensors", "extra.pth", below} <= set(listed)
    assert "readme.txt" not in listed
    assert listed[0] == "auto"
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(("node", "widget", "folder"), [MODELS, DETECTORS])
@pytest.mark.parametrize("place", ["own", "extra"])
def test_added_and_removed_files_show_on_refresh(
    folders: Folders, node: str, widget: str, folder: str, place: str
) -> None:
    parent: Path = getattr(folders, place) / folder
    file = parent / f"added {place}.safetensors"
    assert file.name not in folders.listed(node, widget)
    file.touch()
    assert file.name in folders.listed(node, widget)
    file.unlink()
    assert file.name not in folders.listed(node, widget)


def test_a_folder_that_is_made_later_is_found(folders: Folders) -> None:
    """Most users have no such folder until they download a first file."""
    node, widget, folder = MODELS
    later = folders.own / folder / "made later"
    later.mkdir()
    (later / "new.pth").touch()
    assert str(Path("made later") / "new.pth") in folders.listed(node, widget)


def test_other_packs_still_see_their_files(folders: Folders) -> None:
    """The folders are shared with other packs: their lists must stay whole."""
    for _, _, folder in (MODELS, DETECTORS):
        listed = folders.client.get_json(f"/models/{folder}")
        assert {"own.safetensors", "extra.pth"} <= set(listed)
        assert not [name for name in listed if name == "auto" or "bundled" in name]
