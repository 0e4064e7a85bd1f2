"""Model folders, and the files in them."""

from __future__ import annotations

from pathlib import Path

import folder_paths

MODEL_FOLDER = "facerestore_models"
DETECTOR_FOLDER = "facedetection"
DEGRADATION_FOLDER = "panini_degradations"


def register_folders() -> None:
    """Make the model folders known, beside what other packs and extra_model_paths.yaml name."""
    models = Path(folder_paths.models_dir)
    for name in (MODEL_FOLDER, DETECTOR_FOLDER):
        folder_paths.add_model_folder_path(name, str(models / name))
        extensions = folder_paths.folder_names_and_paths[name][1]
        extensions.update(folder_paths.supported_pt_extensions)
    saved = degradation_folder()
    folder_paths.add_model_folder_path(DEGRADATION_FOLDER, str(saved))
    folder_paths.folder_names_and_paths[DEGRADATION_FOLDER][1].add(".safetensors")


def degradation_folder() -> Path:
    """Where saved degradations go."""
    return Path(folder_paths.get_output_directory()) / DEGRADATION_FOLDER


def places(folder: str) -> list[Path]:
    """Where the files of a model folder may lie, in the order in which they are searched."""
    return [Path(path) for path in folder_paths.get_folder_paths(folder)]


def list_files(folder: str, *, also: str | None = None) -> list[str]:
    """The files of a model folder, as relative names; ComfyUI re-reads it when it changes.

    also: a suffix that ComfyUI does not list there. It is not told to, since other packs ask for
    the same list.
    """
    names = set(folder_paths.get_filename_list(folder))
    if also:
        for place in places(folder):
            names.update(str(file.relative_to(place)) for file in place.rglob(f"*{also}"))
    return sorted(names)


def find_file(folder: str, name: str) -> Path:
    """The path of a listed file. Raises FileNotFoundError if it is gone."""
    path = folder_paths.get_full_path(folder, name)
    if path is None:
        searched = ", ".join(map(str, places(folder)))
        raise FileNotFoundError(
            f"{name} is no longer in {searched}: refresh the lists (press R) and choose another "
            "file."
        )
    return Path(path)


def fingerprint(folder: str, name: str) -> str:
    """Changes when the file behind a name does; never raises."""
    path = folder_paths.get_full_path(folder, name)
    return f"{name}: missing" if path is None else fingerprint_file(Path(path))


def fingerprint_file(path: Path) -> str:
    """Changes when the file does."""
    status = path.stat()
    return f"{path}: {status.st_mtime_ns} {status.st_size}"
