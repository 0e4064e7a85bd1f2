from __future__ import annotations

import subprocess
import sys

import panini_core


def test_all_is_sorted_complete_and_importable() -> None:
    names = panini_core.__all__
    assert names == sorted(names)
    assert all(hasattr(panini_core, name) for name in names)


def test_importing_stays_light() -> None:
    """Optional and heavy packages are imported by the function that needs them."""
    heavy = {"facexlib", "cv2", "onnxruntime", "torchvision", "scipy", "numba", "skimage", "onnx"}
    code = f"import sys, panini_core; print(sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.decode().strip() == "[]"
