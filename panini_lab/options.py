"""What may be chosen about the laboratory's commands; read without loading torch."""

from __future__ import annotations

TRAINING_NAMES = ("degradation", "inversion", "restorer", "prior")
STEP_NAMES = ("inversion", "restoration", "adversary")  # of a chain, in turn
STUDY_NAMES = ("degradation", "alpha", "fusion", "editing", "film", "curve")
FUSION_STEPS, FUSION_SEEDS = 450, 2  # of each training; trainings of each network
KEPT_PER_CLASS = 64  # faces of an atlas
ATLAS_SEED = 1
GET_PRIOR = "pip download --no-deps random-face==2021.7.21.1"  # the published GAN prior
