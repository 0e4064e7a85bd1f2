"""ComfyUI's folders, as far as listing files goes; a stand-in for tests without ComfyUI."""

from __future__ import annotations

import os
import tempfile

base_path = os.path.join(tempfile.gettempdir(), "panini-without-comfyui")  # need not exist
models_dir = os.path.join(base_path, "models")
supported_pt_extensions = {".ckpt", ".pt", ".pth", ".safetensors"}
folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {}


def add_model_folder_path(
    folder_name: str, full_folder_path: str, is_default: bool = False
) -> None:
    paths, _ = folder_names_and_paths.setdefault(folder_name, ([], set()))
    if full_folder_path not in paths:
        paths.insert(0 if is_default else len(paths), full_folder_path)


def get_folder_paths(folder_name: str) -> list[str]:
    return folder_names_and_paths[folder_name][0][:]


def get_filename_list(folder_name: str) -> list[str]:
    paths, extensions = folder_names_and_paths[folder_name]
    names = {name for path in paths if os.path.isdir(path) for name in os.listdir(path)}
    return sorted(name for name in names if os.path.splitext(name)[1] in extensions)


def get_output_directory() -> str:
    return os.path.join(base_path, "output")


def get_temp_directory() -> str:
    return os.path.join(base_path, "temp")


def get_input_directory() -> str:
    return os.path.join(base_path, "input")
