"""Masses of pictures, on one machine or many: Ray Data streams them through the stages.

Needs the extra `bulk` (ray, pyarrow, fsspec).
"""

from .items import Item
from .manifest import DONE, FAILED, NOTHING_TO_DO, Manifest, Record
from .recipe import Recipe, make_recipe
from .run import Choices, Progress, cluster, count_reasons, map_on_cluster, pending, run_bulk
from .sources import ListingError, list_items
from .spelling import printable
from .storage import Folder
from .work import check_recipe

__all__ = [
    "DONE",
    "FAILED",
    "NOTHING_TO_DO",
    "Choices",
    "Folder",
    "Item",
    "ListingError",
    "Manifest",
    "Progress",
    "Recipe",
    "Record",
    "check_recipe",
    "cluster",
    "count_reasons",
    "list_items",
    "make_recipe",
    "map_on_cluster",
    "pending",
    "printable",
    "run_bulk",
]
