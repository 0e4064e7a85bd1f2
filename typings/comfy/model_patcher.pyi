import torch

class ModelPatcher:
    # ComfyUI takes any object with a module's methods.
    model: object
    load_device: torch.device
    offload_device: torch.device
    def __init__(
        self, model: object, load_device: torch.device, offload_device: torch.device
    ) -> None: ...
