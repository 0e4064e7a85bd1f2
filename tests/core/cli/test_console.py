"""What commands print, and what they blame on the arguments."""

from __future__ import annotations

import io
import sys

import pytest

from panini_core.cli.console import Progress, UsageError, complain, say, usage_errors


class Terminal(io.StringIO):
    """A stream that people look at."""

    def isatty(self) -> bool:
        return True


def open_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The terminal that stderr is from here on (no fixture: pytest takes stderr after those)."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_results_and_problems_go_separate_ways(capsys: pytest.CaptureFixture[str]) -> None:
    say("done")
    say()
    complain("failed")
    assert capsys.readouterr() == ("done\n\n", "failed\n")


# --- whose fault it is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        ValueError("wrong value"),
        FileNotFoundError(2, "No such file", "a.png"),
        ImportError("no onnx"),
        UsageError("already said"),
    ],
)
def test_what_core_refuses_is_the_arguments_fault(error: Exception) -> None:
    with pytest.raises(UsageError) as raised, usage_errors():
        raise error
    assert str(raised.value) == str(error)
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("kind", [RuntimeError, KeyError, TypeError, KeyboardInterrupt])
def test_mistakes_of_the_program_are_not(kind: type[BaseException]) -> None:
    with pytest.raises(kind) as raised, usage_errors():
        raise kind("ours")
    assert not isinstance(raised.value, UsageError)


# --- progress -----------------------------------------------------------------------------------


def test_where_nobody_looks_there_is_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("picture") as progress:
        progress.show(1, 2, "a.png")
        progress.show(2, 2)
    assert capsys.readouterr() == ("", "")


def test_without_tqdm_a_terminal_shows_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with Progress("picture") as progress:
        progress.show(1, 2, "a.png")
        progress.show(2, 2)
    assert terminal.getvalue() == "[1/2] a.png\n[2/2]\n"


def test_a_bar_follows_what_is_done_and_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm", reason="needs the package tqdm")
    terminal = open_terminal(monkeypatch)
    with Progress("picture") as progress:
        progress.show(2, 5, "b.png")
        assert (progress.bar.n, progress.bar.total) == (2, 5)
        progress.show(3, 6, "c.png")  # more may turn up on the way
        assert (progress.bar.n, progress.bar.total) == (3, 6)
        progress.bar.refresh()
        assert "c.png" in terminal.getvalue()
        assert "picture" in terminal.getvalue()
    assert progress.bar.disable  # which is how tqdm marks a closed one


def test_a_bar_is_closed_by_an_error_too_and_lets_it_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm", reason="needs the package tqdm")
    open_terminal(monkeypatch)
    progress = Progress("picture")
    with pytest.raises(KeyboardInterrupt), progress:
        raise KeyboardInterrupt
    assert progress.bar.disable
