"""Steps that mend a data set: filter, map, tokenize, split, augment … One file each, one line here."""

from studio.core.registry import Registry
from studio.data.steps.base import AnyStep

STEPS: Registry[AnyStep] = Registry(
    "step",
    {
        "filter": "studio.data.steps.filter:STEP",
        "select": "studio.data.steps.select:STEP",
        "drop": "studio.data.steps.drop:STEP",
        "rename": "studio.data.steps.rename:STEP",
        "cast": "studio.data.steps.cast:STEP",
        "map": "studio.data.steps.map:STEP",
        "template": "studio.data.steps.template:STEP",
        "tokenize": "studio.data.steps.tokenize:STEP",
        "split": "studio.data.steps.split:STEP",
        "shuffle": "studio.data.steps.shuffle:STEP",
        "sample": "studio.data.steps.sample:STEP",
        "deduplicate": "studio.data.steps.deduplicate:STEP",
        "deduplicate-near": "studio.data.steps.deduplicate_near:STEP",
        "drop-leaked": "studio.data.steps.drop_leaked:STEP",
        "remove-pii": "studio.data.steps.remove_pii:STEP",
        "fix-encoding": "studio.data.steps.fix_encoding:STEP",
        "back-translate": "studio.data.steps.back_translate:STEP",
        "synonyms": "studio.data.steps.synonyms:STEP",
        "typos": "studio.data.steps.typos:STEP",
        "augment-images": "studio.data.steps.augment_images:STEP",
        "augment-audio": "studio.data.steps.augment_audio:STEP",
        "edit": "studio.data.steps.edit:STEP",
    },
    group="studio.steps",
)
