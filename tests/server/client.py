"""What a browser says to ComfyUI, for tests: HTTP and the web socket, synchronously."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from .run import Preview, Run

HTTP_SECONDS = 60
RUN_SECONDS = 600
PREVIEW_WITH_METADATA = 4  # of the server's binary messages
FEATURES = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}

Prompt = dict[str, dict[str, Any]]


class InvalidPromptError(RuntimeError):
    """The server refused a prompt: `error` says why, `node_errors` for which nodes."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(json.dumps(answer, indent=1))
        self.error: dict[str, Any] = answer["error"]
        self.node_errors: dict[str, dict[str, Any]] = answer.get("node_errors") or {}

    def details(self, node: str) -> str:
        """What the server says of one node's inputs, as text."""
        errors = self.node_errors.get(node, {}).get("errors", [])
        return "\n".join(f"{error['message']}: {error['details']}" for error in errors)


class Client:
    """A connection to a server; close it, or use it in a `with` statement."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.id = uuid.uuid4().hex
        self._runs: dict[str, Run] = {}
        self._loop = asyncio.new_event_loop()
        self._connected = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        if not self._connected.wait(HTTP_SECONDS) or self._failure is not None:
            raise ConnectionError(f"No web socket at {url}: {self._failure}")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._listening.cancel)
            self._thread.join(HTTP_SECONDS)

    # Requests

    def get(self, path: str, **query: str) -> bytes:
        """The body of an answer. Raises urllib.error.HTTPError if the server refuses."""
        suffix = f"?{urllib.parse.urlencode(query)}" if query else ""
        address = self.url + urllib.parse.quote(path) + suffix
        with urllib.request.urlopen(address, timeout=HTTP_SECONDS) as answer:
            return answer.read()

    def get_json(self, path: str, **query: str) -> Any:
        """An answer, parsed."""
        return json.loads(self.get(path, **query))

    def post(self, path: str, payload: object) -> Any:
        """Send JSON; the answer, parsed, or None where there is none."""
        return self._send(path, json.dumps(payload).encode(), "application/json")

    def object_info(self, node: str | None = None) -> dict[str, Any]:
        """The definitions of all nodes, or of one."""
        return self.get_json("/object_info" + (f"/{node}" if node else ""))

    def upload_image(self, image: Image.Image | Path, name: str) -> str:
        """Put an image into the input folder; the name to give to Load Image."""
        boundary = uuid.uuid4().hex
        body = multipart(
            [("image", name, image_bytes(image)), ("overwrite", None, b"true")], boundary
        )
        answer = self._send("/upload/image", body, f"multipart/form-data; boundary={boundary}")
        return "/".join(part for part in (answer["subfolder"], answer["name"]) if part)

    def picture(self, reference: dict[str, str]) -> Image.Image:
        """The image behind a file reference of an output, through /view."""
        keys = ("filename", "subfolder", "type")
        data = self.get("/view", **{key: reference[key] for key in keys})
        image = Image.open(io.BytesIO(data))
        image.load()
        return image

    # Runs

    def queue(self, prompt: Prompt, **extra_data: Any) -> Run:
        """Queue a prompt in the API's format; does not wait for it.

        Raises InvalidPromptError if the server refuses it.
        """
        run = Run(uuid.uuid4().hex)
        self._runs[run.prompt_id] = run
        payload = {
            "prompt": prompt,
            "prompt_id": run.prompt_id,
            "client_id": self.id,
            "extra_data": extra_data,
        }
        try:
            self.post("/prompt", payload)
        except urllib.error.HTTPError as error:
            raise InvalidPromptError(json.loads(error.read())) from error
        return run

    def wait(self, run: Run, timeout: float = RUN_SECONDS) -> Run:
        """Wait until a run is over, well or not, and read its outputs.

        Raises TimeoutError, or ConnectionError if the server went away.
        """
        if not run.finished.wait(timeout):
            raise TimeoutError(f"The run is not over after {timeout} s; so far: {run.executed}")
        if not run.status:
            raise ConnectionError(f"The server went away during the run: {self._failure}")
        history = self.get_json(f"/history/{run.prompt_id}")
        run.outputs = history[run.prompt_id]["outputs"]
        return run

    def run(self, prompt: Prompt, timeout: float = RUN_SECONDS) -> Run:
        """Queue a prompt and wait for it, whether it succeeds or fails."""
        return self.wait(self.queue(prompt), timeout)

    def images(self, run: Run, node: str) -> list[Image.Image]:
        """The images that a node of the run saved or previewed."""
        return [self.picture(reference) for reference in run.outputs[node]["images"]]

    def interrupt(self) -> None:
        """Press Cancel."""
        self.post("/interrupt", {})

    def free(self) -> None:
        """Press Unload Models and Free Memory; the server does so when it is idle."""
        self.post("/free", {"unload_models": True, "free_memory": True})

    # Inside

    def _send(self, path: str, body: bytes, content_type: str) -> Any:
        request = urllib.request.Request(
            self.url + path, data=body, headers={"Content-Type": content_type}
        )
        with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def _listen(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._listening = self._loop.create_task(self._receive())
        try:
            self._loop.run_until_complete(self._listening)
        except asyncio.CancelledError:
            self._failure = ConnectionError("closed by the test")
        except Exception as error:
            self._failure = error
        finally:
            self._loop.close()
            self._connected.set()
            for run in list(self._runs.values()):
                run.finished.set()

    async def _receive(self) -> None:
        address = f"{self.url}/ws?clientId={self.id}"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(address, max_msg_size=0) as channel,
        ):
            await channel.send_json(FEATURES)
            async for message in channel:
                self._connected.set()
                if message.type == aiohttp.WSMsgType.TEXT:
                    event = json.loads(message.data)
                    self._dispatch(event["type"], event.get("data") or {})
                elif message.type == aiohttp.WSMsgType.BINARY:
                    self._dispatch_binary(message.data)

    def _dispatch(self, kind: str, data: dict[str, Any]) -> None:
        run = self._runs.get(data.get("prompt_id", ""))
        if run is not None:
            run.receive(kind, data)

    def _dispatch_binary(self, message: bytes) -> None:
        if int.from_bytes(message[:4], "big") != PREVIEW_WITH_METADATA:
            return
        end = 8 + int.from_bytes(message[4:8], "big")
        metadata = json.loads(message[8:end])
        run = self._runs.get(metadata["prompt_id"])
        if run is not None:
            image = Image.open(io.BytesIO(message[end:]))
            run.previews.append(Preview(metadata["node_id"], image))


def image_bytes(image: Image.Image | Path) -> bytes:
    """A file as it is; an image in memory as PNG."""
    if isinstance(image, Path):
        return image.read_bytes()
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def multipart(fields: list[tuple[str, str | None, bytes]], boundary: str) -> bytes:
    """The body of an upload form; fields are (name, file name or None, content)."""
    body = b""
    for name, file_name, content in fields:
        file = f'; filename="{file_name}"' if file_name else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()
