"""Starting and stopping, with small scripts in the place of ComfyUI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from . import server as module
from .server import MissingRequirementError, Server

# Answers every request, and on POSIX ignores the polite way of ending.
STUBBORN = """
import http.server, os, pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
pathlib.Path("environment").write_text(os.environ.get("PYTHONPATH", "unset"))
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that is started instead of ComfyUI's."""
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path))
    return tmp_path / "main.py"


def test_a_missing_requirement_is_told_from_other_failures(script: Path, tmp_path: Path) -> None:
    script.write_text("import no_such_package", encoding="utf-8")
    with pytest.raises(MissingRequirementError, match="no_such_package"):
        Server(tmp_path / "a").start()
    script.write_text("raise SystemExit('no disk left')", encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"ended with code 1:\s+no disk left"):
        Server(tmp_path / "b").start()


def test_a_server_that_never_answers_is_ended(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "START_SECONDS", 1)
    script.write_text("import time; print('thinking', flush=True); time.sleep(60)")
    server = Server(tmp_path / "a")
    with pytest.raises(RuntimeError, match=r"no answer in 1 s:\s+thinking"):
        server.start()
    assert server.process is None


@pytest.mark.skipif(os.name == "nt", reason="signals cannot be ignored there")
def test_a_stubborn_server_is_ended_in_the_end(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 1)
    script.write_text(STUBBORN, encoding="utf-8")
    with Server(tmp_path / "a") as server:
        process = server.process
        assert process is not None and process.poll() is None
    assert process.poll() is not None
    server.stop()  # once more does nothing


def test_other_copies_of_the_core_are_kept_out_of_the_path(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setattr(module, "STOP_SECONDS", 1)
    script.write_text(STUBBORN, encoding="utf-8")
    with Server(tmp_path / "a"):
        assert (tmp_path / "a" / "environment").read_text(encoding="utf-8") == "unset"


def test_the_pack_is_put_among_the_custom_nodes(script: Path, tmp_path: Path) -> None:
    script.write_text("raise SystemExit(0)", encoding="utf-8")
    server = Server(tmp_path / "a", folder_name="of any name 1.0")
    with pytest.raises(RuntimeError, match="ended with code 0"):
        server.start()
    installed = tmp_path / "a" / "custom_nodes" / "of any name 1.0"
    assert (installed / "__init__.py").is_file() and (installed / "nodes").is_dir()
