"""`panini train`."""

from __future__ import annotations

from pathlib import Path

import pytest

from panini_core.cli import main
from panini_lab.options import TRAINING_NAMES
from panini_lab.training.config import CONFIG_FOLDER

pytestmark = pytest.mark.usefixtures("work_folder")


def test_train_tells_a_new_run_from_one_to_resume(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from panini_lab.commands import train
    from panini_lab.training.session import STATE_FILE

    calls: list[list[str]] = []

    def record(config: str | Path, overrides: list[str]) -> Path:
        calls.append(overrides)
        return Path("run/result.safetensors")

    kind, _ = train.TRAININGS["restorer"]
    monkeypatch.setitem(train.TRAININGS, "restorer", (kind, record))
    command = ["train", "restorer", "compact-restorer", "--set", "run.output=run", "run.batch=2"]
    assert main([*command, "--resume"]) == 2
    assert main(command) == 0
    assert calls == [["run.output=run", "run.batch=2"]]
    assert "result.safetensors" in capsys.readouterr().out
    Path("run").mkdir()
    (Path("run") / STATE_FILE).touch()
    assert main(command) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert main(["train", "restorer", "nothing"]) == 2
    assert main(["train", "restorer", "compact-restorer", "--set", "run.sheep=2"]) == 2


@pytest.mark.parametrize("name", sorted(file.stem for file in CONFIG_FOLDER.glob("*.toml")))
def test_every_shipped_configuration_is_taken_by_its_command(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from panini_lab.commands import train

    started: list[str] = []

    def record(config: str | Path, overrides: list[str]) -> Path:
        started.append(str(config))
        return Path("run/result.safetensors")

    what = name.rsplit("-", 1)[1].replace("adversary", "restorer")
    kind, _ = train.TRAININGS[what]
    monkeypatch.setitem(train.TRAININGS, what, (kind, record))
    assert main(["train", what, name, "--set", "run.output=run", "run.steps=3"]) == 0
    assert started == [name]
    # A configuration of another training is told apart by its keys.
    other = "prior" if what != "prior" else "degradation"
    assert main(["train", other, name, "--set", "run.output=run"]) == 2


def test_every_training_can_be_chosen() -> None:
    from panini_lab.commands import train

    assert tuple(train.TRAININGS) == TRAINING_NAMES
