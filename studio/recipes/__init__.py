"""Recipes: everything that runs as a job. One file each, one line here."""

from studio.core.registry import Registry
from studio.recipes.base import AnyRecipe

RECIPES: Registry[AnyRecipe] = Registry(
    "recipe",
    {
        "text-classification": "studio.recipes.text_classification:RECIPE",
        "predict": "studio.recipes.predict:RECIPE",
        "fetch": "studio.recipes.fetch:RECIPE",
        "index": "studio.recipes.index:RECIPE",
        "transform": "studio.recipes.transform:RECIPE",
        "check": "studio.recipes.check:RECIPE",
        "annotate": "studio.recipes.annotate:RECIPE",
        "publish": "studio.recipes.publish:RECIPE",
        "kit-add": "studio.recipes.kit_add:RECIPE",
    },
    group="studio.recipes",
)
