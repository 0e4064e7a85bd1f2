"""Training of the GAN prior by itself: StyleGAN2 from scratch, without path regularisation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.models.stylegan2 import StyleGAN2Generator

from .adversary import StyleGAN2Adversary
from .config import PriorConfig, load_config
from .ema import ExponentialAverage
from .losses import SeenPictures
from .session import TrainingSession

RESULT_FILE = "gan_prior.safetensors"


def train_prior(config_path: str | Path, overrides: Sequence[str] = ()) -> Path:
    """Train the generator of a PaniniConfig preset as a GAN; resumes if there is a state.

    Returns the file with the averaged generator, which the restorer's `initial_prior` names.
    """
    config = load_config(config_path, PriorConfig, overrides)
    torch.manual_seed(config.run.seed)
    with TrainingSession(config.run) as session:
        generator = PaniniNet(PaniniConfig.preset(config.model)).gan_prior.to(session.device)
        average = ExponentialAverage(generator, config.ema)
        optimizer = torch.optim.Adam(
            generator.parameters(), lr=config.run.learning_rate, betas=config.betas
        )
        adversary = StyleGAN2Adversary(config.adversary, session)
        step = 0
        if state := session.load_state():
            step = state["step"]
            generator.load_state_dict(state["generator"])
            average.average.load_state_dict(state["average"])
            average.updates = state["average_updates"]
            optimizer.load_state_dict(state["optimizer"])
            adversary.load_state_dict(state["adversary"])
        parallel = session.parallel(generator)
        faces = session.sampler(config.data)

        result = session.folder / RESULT_FILE
        while step < config.run.steps:
            seeded = faces.generator(step, purpose=2)
            rate = session.learning_rate(step, config.run.learning_rate)
            for group in optimizer.param_groups:
                group["lr"] = rate
            z = torch.randn(config.run.batch, generator.style_size, generator=seeded)
            codes = generator.mapping(z.to(session.device))
            w_plus = codes[:, None].expand(-1, generator.w_plus_rows, -1)
            with session.autocast():
                fake: Tensor = parallel(w_plus)
            loss = config.adversary.weight * adversary.generator_loss(SeenPictures(fake), seeded)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            average.update(generator)
            real = faces(step) * 2 - 1
            session.record(generator=loss.detach())
            session.record(
                **adversary.train_step(
                    SeenPictures(fake.detach()), SeenPictures(real), seeded, rate
                )
            )

            step += 1
            stop = session.should_stop()
            last = stop or step == config.run.steps
            if last or step % config.run.log_every == 0:
                session.log(step)
            if session.is_main and (last or step % config.run.preview_every == 0):
                _write_samples(session.folder / f"samples-{step:07d}.jpg", average.average)
            if last or step % config.run.checkpoint_every == 0:
                session.save_state(
                    {
                        "step": step,
                        "generator": generator.state_dict(),
                        "average": average.average.state_dict(),
                        "average_updates": average.updates,
                        "optimizer": optimizer.state_dict(),
                        "adversary": adversary.state_dict(),
                    }
                )
                if session.is_main:
                    weights = average.average.state_dict()
                    save_file({k: v.contiguous().cpu() for k, v in weights.items()}, result)
            if stop:
                break
        return result


@torch.no_grad()
def _write_samples(path: Path, generator: StyleGAN2Generator, count: int = 8) -> None:
    z = torch.randn(count, generator.style_size, generator=torch.Generator().manual_seed(0))
    images = generator.sample(z.to(generator.constant.device)) / 2 + 0.5
    row = torch.cat(list(images.clamp(0, 1)), dim=2)
    Image.fromarray((row * 255).round().byte().permute(1, 2, 0).cpu().numpy()).save(path)
