"""`panini chain`: what it refuses, and what reaches the trainings."""

from __future__ import annotations

from pathlib import Path

import pytest

from panini_core.checkpoints import find_weights
from panini_core.cli import main
from panini_core.cli.console import EXIT_DONE, EXIT_INTERRUPTED, EXIT_PROBLEM, EXIT_USAGE
from panini_lab.commands import chain
from panini_lab.metrics.backbones import IDENTITY_FILE, VGG_FILE
from panini_lab.training.chain import PROGRESS_FILE, STEP_NAMES, ChainConfig

pytestmark = pytest.mark.usefixtures("work_folder")

NETWORKS = Path("networks")
COMMAND = ("chain", "--minutes", "9", "-o", "reached", "--prior", "prior.safetensors")


@pytest.fixture(autouse=True)
def networks(work_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in the place of the networks of the losses."""
    monkeypatch.delenv("PANINI_BACKBONES", raising=False)
    NETWORKS.mkdir()
    for name in (VGG_FILE, IDENTITY_FILE):
        (NETWORKS / name).touch()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[ChainConfig]:
    """The chains that were started; none is run."""
    started: list[ChainConfig] = []

    def record(config: ChainConfig) -> Path:
        assert config.work.parent.is_dir()
        started.append(config)
        return config.work / "panini.safetensors"

    monkeypatch.setattr(chain, "run_chain", record)
    return started


def test_what_is_not_chosen_has_its_default(
    started: list[ChainConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMAND, "--backbones", str(NETWORKS)]) == EXIT_DONE
    assert "go on with --resume reached" in capsys.readouterr().out
    (config,) = started
    assert config == ChainConfig(
        output=Path("reached"),
        work=config.work,
        minutes=9.0,
        prior=Path("prior.safetensors"),
        encoder=find_weights("compact"),
        vgg=NETWORKS / VGG_FILE,
        identity=NETWORKS / IDENTITY_FILE,
    )


def test_what_is_chosen_reaches_the_chain(started: list[ChainConfig]) -> None:
    options = ["--backbones", str(NETWORKS), "--encoder", "mine.safetensors", "--device", "cpu"]
    options += ["--resume", "earlier", "--start", "adversary", "--work", "large"]
    options += ["--set", "run.batch=2", "run.seed=3", "--set", "inversion:run.batch=4"]
    assert main([*COMMAND, *options]) == EXIT_DONE
    assert started == [
        ChainConfig(
            output=Path("reached"),
            work=Path("large"),
            minutes=9.0,
            prior=Path("prior.safetensors"),
            encoder=Path("mine.safetensors"),
            vgg=NETWORKS / VGG_FILE,
            identity=NETWORKS / IDENTITY_FILE,
            resume=Path("earlier"),
            start="adversary",
            device="cpu",
            overrides=("run.batch=2", "run.seed=3", "inversion:run.batch=4"),
        )
    ]


# --- an earlier chain ---------------------------------------------------------------------------


def test_an_earlier_chain_is_gone_on_from_and_not_overwritten(
    started: list[ChainConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("reached").mkdir()
    Path("reached", PROGRESS_FILE).write_text("{}")
    command = [*COMMAND, "--backbones", str(NETWORKS)]
    assert main(command) == EXIT_USAGE
    assert "reached holds an earlier chain. Go on with --resume" in capsys.readouterr().err
    assert started == []
    assert main([*command, "--resume", "reached"]) == EXIT_DONE
    assert [config.resume for config in started] == [Path("reached")]


def test_a_folder_of_other_files_is_no_earlier_chain(started: list[ChainConfig]) -> None:
    Path("reached").mkdir()
    Path("reached", "notes.txt").write_text("mine")
    assert main([*COMMAND, "--backbones", str(NETWORKS)]) == EXIT_DONE
    assert len(started) == 1


# --- the folder for large files -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, EXIT_DONE),
        (ValueError("no such step"), EXIT_PROBLEM),
        (FileNotFoundError("no parts"), EXIT_PROBLEM),
        (KeyboardInterrupt(), EXIT_INTERRUPTED),
    ],
)
def test_a_temporary_folder_lasts_as_long_as_the_chain(
    error: BaseException | None,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folders: list[Path] = []

    def work(config: ChainConfig) -> Path:
        (config.work / "state.pt").touch()
        folders.append(config.work)
        if error is not None:
            raise error
        return config.work

    monkeypatch.setattr(chain, "run_chain", work)
    assert main([*COMMAND, "--backbones", str(NETWORKS)]) == code
    (folder,) = folders
    assert not folder.exists()
    printed = capsys.readouterr()
    assert ("Trained" in printed.out) == (error is None)
    assert str(error or "") in printed.err


# --- what goes wrong ----------------------------------------------------------------------------


def test_the_networks_of_the_losses_are_found_by_the_environment_too(
    started: list[ChainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANINI_BACKBONES", str(NETWORKS))
    assert main([*COMMAND]) == EXIT_DONE
    assert started[0].vgg == NETWORKS / VGG_FILE


@pytest.mark.parametrize("missing", [VGG_FILE, IDENTITY_FILE])
def test_without_the_networks_of_the_losses_nothing_is_started(
    missing: str, started: list[ChainConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    (NETWORKS / missing).unlink()
    assert main([*COMMAND, "--backbones", str(NETWORKS)]) == EXIT_USAGE
    printed = capsys.readouterr().err
    assert f"{missing} " in printed
    assert f"was not found in {NETWORKS}" in printed
    assert started == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--minutes", "0"], "expected a number above 0, got 0"),
        (["--minutes", "-3"], "expected a number above 0, got -3"),
        (["--minutes", "inf"], "expected a number above 0, got inf"),
        (["--minutes", "soon"], "expected a number, got 'soon'"),
        (["--start", "rest"], "invalid choice: 'rest'"),
        (["--set"], "expected at least one argument"),
    ],
)
def test_values_that_cannot_be_used(
    options: list[str],
    message: str,
    started: list[ChainConfig],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*COMMAND, *options])
    assert stopped.value.code == EXIT_USAGE
    assert message in capsys.readouterr().err
    assert started == []


@pytest.mark.parametrize("name", ["--minutes", "-o", "--prior"])
def test_what_is_needed_is_asked_for(
    name: str, started: list[ChainConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    place = COMMAND.index(name)
    with pytest.raises(SystemExit):
        main([*COMMAND[:place], *COMMAND[place + 2 :]])
    assert f"arguments are required: {name}" in capsys.readouterr().err
    assert started == []


def test_help_names_the_steps_and_the_remedies(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["chain", "--help"])
    assert stopped.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"--start {{{','.join(STEP_NAMES)}}}" in printed
    for text in ("--resume DIR", "the GAN prior of `panini prior`", "[STEP:]KEY=VALUE"):
        assert text in printed
