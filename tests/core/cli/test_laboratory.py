"""The laboratory's commands where it is installed, and where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from panini_core.cli import COMMANDS, laboratory, main


@pytest.fixture
def no_laboratory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laboratory, "LABORATORY", "panini_lab_elsewhere")


@pytest.mark.parametrize("name", sorted(laboratory.COMMANDS))
def test_its_commands_are_found(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert name in COMMANDS
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"usage: panini {name}" in capsys.readouterr().out


@pytest.mark.usefixtures("no_laboratory")
@pytest.mark.parametrize("name", sorted(laboratory.COMMANDS))
def test_without_it_they_say_how_to_install_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "anything", "--option"])
    assert stopped.value.code == 2
    assert f"{name} belongs to the laboratory" in (printed := capsys.readouterr().err)
    assert 'pip install -e ".[lab]"' in printed


@pytest.mark.usefixtures("no_laboratory")
def test_doctor_does_without_it(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--device", "cpu", "--model", str(tiny_model)]) == 0
    assert "for evaluate" not in capsys.readouterr().out
