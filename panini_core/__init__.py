"""Face restoration with a degradation-aware StyleGAN2 prior (Panini-Net, AAAI 2022)."""
