"""Tiny models from configurations, saved as artifacts of an owner, for tests of whatever loads models."""

from pathlib import Path

from studio.core.settings import Settings
from studio.jobs.artifacts import Manifest, ModelReference, commit, stage

LABELS = ("negative", "neutral", "positive")
TEXT = "i love this film it is great bad dull a the plot was and what fun"
WORDS = tuple(TEXT.split())
OWNER = "local"


def save_classifier(folder: Path, seed: int = 0, **size: int) -> None:
    """A BERT with a classification head and a word-level tokenizer; `size` as `_config` takes it."""
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(seed)
    model = BertForSequenceClassification(_config(**size))
    with torch.no_grad():
        model.classifier.weight.mul_(20)  # scores that differ visibly
    model.save_pretrained(folder)
    save_tokenizer(folder)


def save_encoder(folder: Path) -> None:
    """A BERT without any head."""
    import torch
    from transformers import BertModel

    torch.manual_seed(0)
    BertModel(_config()).save_pretrained(folder)
    save_tokenizer(folder)


def save_adapter(folder: Path, base: Path, *, with_head: bool = True) -> None:
    """A LoRA adapter with random weights on `base`, an encoder: with the head that it needs, or without."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(1)
    config = _config()
    model = AutoModelForSequenceClassification.from_pretrained(base, config=config)
    lora = LoraConfig(
        task_type="SEQ_CLS" if with_head else None,
        r=4,
        target_modules=["query", "value"],
        modules_to_save=["classifier", "pooler"] if with_head else None,
        init_lora_weights=False,
    )
    adapted = get_peft_model(model, lora)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "classifier" in name:
                weight.mul_(20)
    adapted.peft_config["default"].base_model_name_or_path = "kit:nowhere"
    adapted.save_pretrained(folder)
    config.save_pretrained(folder)
    save_tokenizer(folder)


def save_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(folder)


def add_artifact(
    settings: Settings, staged: Path, name: str, base: str = "", owner: str = OWNER, task: str = "text-classification"
) -> str:
    """Turn a staged folder into an artifact; its reference."""
    manifest = Manifest(
        id=name,
        kind="adapter" if base else "model",
        title=name.title(),
        task=task,
        recipe="text-classification",
        params={},
        owner=owner,
        job="job",
        created_at=float(len(list(settings.artifacts_dir.iterdir()))),
        base_model=ModelReference(id=base, license="mit") if base else None,
    )
    return f"artifact:{commit(staged, manifest).id}"


def classifier(settings: Settings, name: str = "whole", seed: int = 0, **size: int) -> str:
    staged = stage(settings.artifacts_dir)
    save_classifier(staged, seed, **size)
    return add_artifact(settings, staged, name)


def adapter(settings: Settings, name: str = "adapted", *, with_head: bool = True) -> str:
    encoder = stage(settings.artifacts_dir)
    save_encoder(encoder)
    base = add_artifact(settings, encoder, f"{name}-base", task="")
    staged = stage(settings.artifacts_dir)
    save_adapter(staged, settings.artifacts_dir / f"{name}-base", with_head=with_head)
    return add_artifact(settings, staged, name, base)


def _config(hidden: int = 32, layers: int = 2, inner: int = 0) -> "BertConfig":  # type: ignore[name-defined]  # noqa: F821
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(WORDS) + 4,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=inner or hidden,
        max_position_embeddings=64,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
        pad_token_id=0,
    )
