"""A real ComfyUI server as a process of its own, with the pack among its custom nodes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
# No Python identifier, but without what ComfyUI's web server cannot serve files below (spaces and
# letters beyond ASCII, with aiohttp 3.14) and its front end finds no help pages for (dots).
FOLDER_NAME = "2-panini-face-restore"
# What ComfyUI neither reads nor should have copied.
NOT_COPIED = shutil.ignore_patterns(
    *(".*", "tests", "build", "dist", "*.egg-info", "__pycache__", "node_modules")
)
START_SECONDS = 300
STOP_SECONDS = 15


def comfyui_folder() -> Path:
    """Where ComfyUI is: COMFYUI_PATH, by default ~/ComfyUI."""
    return Path(os.environ.get("COMFYUI_PATH", "~/ComfyUI")).expanduser()


class MissingRequirementError(RuntimeError):
    """ComfyUI itself could not import a package."""


class Server:
    """One ComfyUI process on a free port; use it in a `with` statement.

    `base` becomes its base directory: models, input, output, temp and user folders. Put files
    there beforehand if the server should find them.
    """

    def __init__(
        self,
        base: Path,
        *,
        pack: Path = PROJECT_ROOT,
        folder_name: str = FOLDER_NAME,
        extra_model_paths: Path | None = None,
        front_end: Path | None = None,
    ) -> None:
        self.base = base
        self.pack = pack
        self.folder_name = folder_name
        self.extra_model_paths = extra_model_paths
        self.front_end = front_end
        self.log_file = base / "comfyui.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and wait until it answers.

        Raises MissingRequirementError if ComfyUI's own packages are incomplete, RuntimeError with
        the log if it ends or is not ready in time.
        """
        for name in ("models", "input", "output", "temp", "user", "custom_nodes"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        install(self.pack, self.base / "custom_nodes" / self.folder_name)
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.base,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def command(self) -> list[str]:
        """The command line, as a user would type it."""
        options: dict[str, object] = {
            "--port": self.port,
            "--base-directory": self.base,
            "--whitelist-custom-nodes": self.folder_name,
            "--database-url": "sqlite:///:memory:",
            "--extra-model-paths-config": self.extra_model_paths,
            "--front-end-root": self.front_end,
        }
        switches = "--cpu --disable-all-custom-nodes --disable-api-nodes --disable-auto-launch"
        command = [sys.executable, str(comfyui_folder() / "main.py"), *switches.split()]
        for option, value in options.items():
            command += [] if value is None else [option, str(value)]
        return command

    def stop(self) -> None:
        """End the process and whatever it started; does nothing the second time."""
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            kill_tree(process)
            process.wait(STOP_SECONDS)

    def log(self, start: int = 0) -> str:
        """What the server wrote, from that many bytes on."""
        return self.log_file.read_bytes()[start:].decode("utf-8", "replace")

    def log_size(self) -> int:
        """How many bytes the server wrote so far."""
        return self.log_file.stat().st_size

    def _wait_until_ready(self) -> None:
        process = self.process
        assert process is not None
        end = time.monotonic() + START_SECONDS
        while process.poll() is None:
            if answers(f"{self.url}/system_stats"):
                return
            if time.monotonic() > end:
                raise RuntimeError(f"ComfyUI gave no answer in {START_SECONDS} s:\n{self.log()}")
            time.sleep(0.25)
        last_line = self.log().strip().rpartition("\n")[2]
        if last_line.startswith("ModuleNotFoundError"):
            raise MissingRequirementError(last_line)
        raise RuntimeError(f"ComfyUI ended with code {process.returncode}:\n{self.log()}")


def install(pack: Path, target: Path) -> None:
    """Put the pack among the custom nodes: a link, or a copy where links need special rights."""
    if target.exists():
        return
    if os.name == "nt":
        shutil.copytree(pack, target, ignore=NOT_COPIED)
    else:
        target.symlink_to(pack, target_is_directory=True)


def environment() -> dict[str, str]:
    """Ours without what could make another `panini_core` or `nodes` importable."""
    unwanted = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether the address can be read."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children at once."""
    if sys.platform == "win32":
        subprocess.run(
            ["taskkill", "/F", "/T", "/PID", str(process.pid)], check=False, capture_output=True
        )
    else:
        os.killpg(process.pid, signal.SIGKILL)
