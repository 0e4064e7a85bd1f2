"""`panini COMMAND --help` is quick, since it loads neither torch nor another large package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import panini_core
from panini_core.cli import COMMANDS

LARGE = ("torch", "numpy", "PIL", "safetensors", "einops", "ray", "av")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_no_large_package(command: str) -> None:
    code = (
        "import sys\n"
        "from panini_core.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "finally:\n"
        f"    print('loaded:', *sorted({{*{LARGE!r}}} & {{*sys.modules}}))\n"
    )
    words = [*command.split(), "--help"]
    result = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=os.environ | {"PYTHONPATH": str(Path(panini_core.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"usage: panini {command}".rstrip())
    assert result.stdout.splitlines()[-1].split() == ["loaded:"]
