"""The command line: `panini COMMAND`. What a command takes is in `arguments`, read without loading
torch; a file of its own here has its `run`.

Training, evaluation and studies are commands of the laboratory: `panini_lab/commands/`.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from . import laboratory
from .console import EXIT_INTERRUPTED, EXIT_PROBLEM, EXIT_USAGE, UsageError, complain

COMMANDS = {
    "restore": "restore the faces in photographs and films",
    "bulk": "restore masses of pictures, on one machine or many",
    "sheet": "draw the faces of pictures before and after on one sheet",
    "detect": "find faces: boxes, landmarks and a numbered picture",
    "degrade": "make pictures worse, for trials and training",
    "atlas": "measure known degradations, as the model sees them, to describe others by",
    "calibrate": "find out what fidelity should do with a model's weights",
    "convert": "turn a checkpoint into one safetensors file",
    "export": "write the network as one ONNX file, for applications outside Python",
    "prior": "turn the published networks of MobileStyleGAN into one file, the GAN prior",
    "train": "train the networks: degradation encoder, GAN prior, inversion, restorer",
    "chain": "train the network with a real GAN prior for some minutes on a large GPU",
    "evaluate": "measure restored faces against clean ones",
    "study": "show how the mechanism behaves: figures, charts, sheets of edits",
    "doctor": "show device, weights, versions and speed",
    "demo": "restore a sample photograph and draw a before/after sheet",
}
EXIT_CODES = """\
exit codes:
  0    everything was done (pictures without a face count as done)
  1    something failed; the summary says what and why
  2    the arguments cannot be used; nothing was done
  130  stopped by Ctrl-C; finished files stay
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code (see EXIT_CODES)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names may not fit the console's encoding
            stream.reconfigure(errors="backslashreplace")
    parsed = build_parser(arguments).parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace], int] = _find(parsed.command).run
        return run(parsed)
    except KeyboardInterrupt:
        complain("Stopped.")
        return EXIT_INTERRUPTED
    except (ValueError, OSError, ImportError) as error:  # what core raises for bad input
        if parsed.debug:
            raise
        complain(f"panini {parsed.command}: {error}")
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_PROBLEM


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Only the chosen command's arguments are imported, and only its parser is filled."""
    parser = argparse.ArgumentParser(
        prog="panini",
        description="Face restoration: a degraded photograph in, a restored photograph out.",
        epilog="panini COMMAND --help describes one command.\n\n" + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"panini {_version()}")
    debug_help = "show the whole traceback of an error"
    parser.add_argument("--debug", action="store_true", help=debug_help)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((argument for argument in arguments if argument in COMMANDS), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == chosen:
            module = _find(name, "arguments.")
            if module is None:
                parser.error(f"{name} {laboratory.MISSING}")
            module.add_arguments(command)
            command.add_argument(
                "--debug", action="store_true", default=argparse.SUPPRESS, help=debug_help
            )
    return parser


def _find(name: str, room: str = "") -> Any:
    """The module of a command, or of its arguments; None for one of the laboratory's where that is
    not installed."""
    if name in laboratory.COMMANDS:
        return laboratory.find_laboratory(f"{room}{name}")
    return import_module(f".{room}{name}", __name__)


def _version() -> str:
    try:
        return version("panini-face-restoration")
    except PackageNotFoundError:  # run from a folder that was not installed
        return "(not installed)"
