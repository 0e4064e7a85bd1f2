"""A ComfyUI server that the tests share, and a way to start others.

COMFYUI_PATH names the folder of ComfyUI, by default ~/ComfyUI; without it the tests are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .client import Client
from .server import MissingRequirementError, Server, comfyui_folder


def start(stack: ExitStack, base: Path, **options: Path | str | None) -> Server:
    """Start a server that ends with the stack, or skip the test if there is no ComfyUI."""
    folder = comfyui_folder()
    if not (folder / "main.py").is_file():
        pytest.skip(f"needs ComfyUI: no main.py in {folder} (set COMFYUI_PATH)")
    server = Server(base, **options)  # pyright: ignore[reportArgumentType]
    try:
        return stack.enter_context(server)
    except MissingRequirementError as error:
        pytest.skip(f"needs ComfyUI's requirements in this environment: {error}")


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """One server for all tests, because it takes long to start; ask for `server` instead."""
    with ExitStack() as stack:
        yield start(stack, tmp_path_factory.mktemp("comfyui"))


@pytest.fixture
def server(shared_server: Server, request: pytest.FixtureRequest) -> Generator[Server]:
    """The shared server; a failed test shows what it wrote in the meantime."""
    begin = shared_server.log_size()
    yield shared_server
    request.node.add_report_section("teardown", "ComfyUI log", shared_server.log(begin))


@pytest.fixture
def client(server: Server) -> Generator[Client]:
    """A connection of this test's own to the shared server."""
    with Client(server.url) as client:
        yield client


@pytest.fixture
def start_server(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Generator[Callable[..., Server]]:
    """start_server(base=…, **options of Server): a server of the test's own, ready to use."""
    servers: list[Server] = []
    with ExitStack() as stack:

        def make(base: Path = tmp_path, **options: Path | str | None) -> Server:
            servers.append(start(stack, base, **options))
            return servers[-1]

        yield make
    for server in servers:
        request.node.add_report_section("teardown", "ComfyUI log", server.log())
