from spandrel import ArchRegistry

EXTRA_REGISTRY: ArchRegistry
