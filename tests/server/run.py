"""One run of a prompt, as the server reports it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from PIL import Image

Status = Literal["", "success", "error", "interrupted"]
ENDINGS: dict[str, Status] = {
    "execution_success": "success",
    "execution_error": "error",
    "execution_interrupted": "interrupted",
}


class Progress(NamedTuple):
    """One step of a progress bar."""

    node: str
    value: float
    maximum: float


class Preview(NamedTuple):
    """A picture that a node showed while it worked."""

    node: str
    image: Image.Image


class NodeError(NamedTuple):
    """The exception that ended a run."""

    node: str
    node_type: str
    exception_type: str
    message: str
    traceback: str


@dataclass(eq=False)
class Run:
    """What happened to a queued prompt; complete once `finished` is set."""

    prompt_id: str
    status: Status = ""
    cached: list[str] = field(default_factory=list)  # nodes whose results were there already
    executed: list[str] = field(default_factory=list)  # nodes in the order in which they began
    progress: list[Progress] = field(default_factory=list)
    previews: list[Preview] = field(default_factory=list)
    error: NodeError | None = None
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)  # what nodes show, by node
    finished: threading.Event = field(default_factory=threading.Event)

    def receive(self, kind: str, data: dict[str, Any]) -> None:
        """Take one message of the web socket."""
        if kind == "execution_cached":
            self.cached = data["nodes"]
        elif kind == "executing":
            self._begin(data["node"])
        elif kind == "progress":
            self.progress.append(Progress(data["node"], data["value"], data["max"]))
        elif kind in ENDINGS:
            self.status = ENDINGS[kind]
            if kind == "execution_error":
                self.error = NodeError(
                    data["node_id"],
                    data["node_type"],
                    data["exception_type"],
                    data["exception_message"].strip(),
                    "".join(data["traceback"]),
                )

    def raise_for_error(self) -> Run:
        """Itself if it succeeded. Raises AssertionError with the server's traceback otherwise."""
        if self.status != "success":
            reason = f"{self.error.message}\n{self.error.traceback}" if self.error else ""
            raise AssertionError(f"The run ended with {self.status!r}. {reason}")
        return self

    def _begin(self, node: str | None) -> None:
        if node is None:  # the server's last word, after the history is written
            self.finished.set()
        elif node not in self.executed:  # a node that waited for others begins more than once
            self.executed.append(node)
