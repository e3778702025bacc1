"""Cards: a filled one is clean and says only what is known; each planted mistake is found."""

import ast
import re
from dataclasses import replace

import pytest
from pydantic import SecretStr

from studio.core.errors import HubUnreachable
from studio.core.settings import Settings
from studio.hub import cards
from studio.hub.cards import CardFacts, CardProblem, Figures
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer

FACTS = CardFacts(
    title="Topics of packages",
    kind="adapter",
    task="text-classification",
    recipe="text-classification",
    base_model="kit:minilm-l6",
    base_upstream="sentence-transformers/all-MiniLM-L6-v2",
    base_license="Apache-2.0",
    base_included=True,
    data="kit:debian-topics",
    data_fingerprint="f" * 64,
    data_license="mixed free licences",
    splits={"train": 4000, "validation": 500, "test": 1000},
    figures=(
        Figures("test", {"accuracy": 0.91234567, "f1": 0.9, "loss": 0.31}, {"accuracy": 0.125}, 1000),
        Figures("validation", {"accuracy": 0.93, "f1": 0.92}, rows=500, chose=True),
    ),
    labels=("games", 'say "hi" | *there*', "science"),
    params={"training": {"learning_rate": 5e-4, "epochs": 3}, "lora": {"target_modules": ["query", "value"]}},
    seed=7,
    versions={"torch": "2.13.0", "python": "3.11"},
    seconds=312.4,
    device="cpu",
    measured_memory_bytes=900 * 1024**2,
)


def test_a_filled_card_is_clean() -> None:
    assert cards.lint(cards.fill(FACTS)) == []


def test_the_least_that_can_be_known_gives_a_card_without_errors() -> None:
    card = cards.fill(CardFacts("Nothing", "model", "", "mystery"))
    assert [problem for problem in cards.lint(card) if problem.level == "error"] == []
    assert "No figures were measured." in card
    assert "Not recorded." in card


def test_the_card_says_what_was_measured_and_no_more() -> None:
    card = cards.fill(FACTS)
    data = cards.load(cards.split(card)[0])
    assert data["license"] == "apache-2.0"
    assert data["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert data["base_model_relation"] == "adapter"
    assert data["metrics"] == ["accuracy", "f1"]
    assert "datasets" not in data  # the kit's data is not on the Hub
    result = data["model-index"][0]["results"][0]
    assert result["dataset"] == {"name": "kit:debian-topics", "type": "debian-topics", "split": "test"}
    assert {metric["type"]: metric["value"] for metric in result["metrics"]}["accuracy"] == 0.9123
    assert "verified" not in card
    for said in (
        "| accuracy | 0.9123 | 0.1250 |",
        "the split `test` (1,000 rows), which played no part in the training",
        "the split `validation` (500 rows), which chose the checkpoint",
        "f" * 64,
        "5.2 min on cpu",
        "900 MB",
        "torch 2.13.0",
        "3.1 percentage points",  # 1.96 · √(0.25 / 1000)
        "seed 7",
        "training.learning\\_rate | 0.0005",
        "--set training.epochs=3",
    ):
        assert said in card, said


def test_figures_of_the_rows_that_chose_are_called_flattering() -> None:
    assert "a little too good" not in cards.fill(FACTS)
    assert "a little too good" in cards.fill(replace(FACTS, figures=FACTS.figures[1:]))


def test_a_hub_base_and_a_hub_dataset_are_linked() -> None:
    facts = replace(FACTS, base_model="acme/bert", base_upstream="", base_included=False, data="acme/rows@abc")
    data = cards.load(cards.split(cards.fill(facts))[0])
    assert data["base_model"] == "acme/bert"
    assert data["datasets"] == ["acme/rows"]
    assert 'from_pretrained("acme/bert"' in cards.fill(facts)


def test_the_code_is_python() -> None:
    for facts in (FACTS, replace(FACTS, labels=()), replace(FACTS, kind="model"), replace(FACTS, task="")):
        code = re.findall(r"```python\n(.*?)```", cards.fill(facts), re.DOTALL)
        assert len(code) == 1
        ast.parse(code[0])
    assert 'from_pretrained(folder + "/base"' in cards.fill(FACTS)


def test_names_of_classes_cannot_write_markup_or_yaml() -> None:
    evil = replace(FACTS, title="x\n---\nlicense: gpl", labels=("a`b", "c\n# d"), data="up\nload: [")
    card = cards.fill(evil)
    data = cards.load(cards.split(card)[0])
    assert data["license"] == "apache-2.0"
    assert [line for line in card.split("\n") if line.startswith("# ")] == ["# x --- license: gpl"]


PLANTED = [
    ("license: apache-2.0", "license: aapache", "license", "error", "no licence id"),
    ("license: apache-2.0", "license: other", "license", "warning", "license_name"),
    ("license: apache-2.0\n", "", "license", "warning", "Without license"),
    ("pipeline_tag: text-classification", "pipeline_tag: text-clasification", "pipeline_tag", "error", "no task"),
    ("license: apache-2.0", "license: mit\nlanguage: english", "language", "error", "language code"),
    ("license: apache-2.0", "license: mit\nlanguage: [en, 3]", "language", "error", "language code"),
    (
        "base_model: sentence-transformers/all-MiniLM-L6-v2",
        "base_model: kit:minilm-l6",
        "base_model",
        "error",
        "not on",
    ),
    ("base_model: sentence-transformers/all-MiniLM-L6-v2", "base_model: /x/y", "base_model", "error", "not on the Hub"),
    ("base_model: sentence-transformers/all-MiniLM-L6-v2", "base_model: a b", "base_model", "error", "no id"),
    ("base_model_relation: adapter", "base_model_relation: cousin", "base_model_relation", "error", "not one of"),
    ("license: apache-2.0", "license: mit\ndatasets: ['upload:mine']", "datasets", "error", "not on the Hub"),
    ("license: apache-2.0", "license: mit\ndatasets: [a/b/c]", "datasets", "error", "no id"),
    ("metrics:\n- accuracy\n- f1", "metrics: accuracy", "metrics", "error", "list of words"),
    ("tags:\n- studio\n- lora", "tags: {a: b}", "tags", "error", "list of words"),
    (
        "    metrics:\n    - type: accuracy",
        "    metrics:\n    - kind: accuracy",
        "model-index",
        "error",
        "type and value",
    ),
    ("    dataset:\n      name: kit:debian-topics", "    dataset:\n      nam: kit", "model-index", "error", "name"),
    (
        "model-index:\n- name: Topics of packages\n",
        "model-index:\n- title: x\n",
        "model-index",
        "error",
        "needs a name",
    ),
    ("license: apache-2.0", "license: [mit", "metadata", "error", "not YAML"),
    ("license: apache-2.0", "license: mit\nlicense: mit", "metadata", "error", "not YAML"),
    ("---\nlibrary_name", "library_name", "metadata", "error", "must begin"),
    ("## Limitations", "## Hints", "limitations", "warning", "not good for"),
    ("## Results", "#### Results", "headings", "warning", "skips a level"),
    ("## Results", "# Results", "headings", "warning", "one # title only"),
    ("## Results", "## Empty\n\n## Results", "Empty", "warning", "is empty"),
    ("## Results", "## Uses\n\n[More Information Needed]\n\n## Results", "Uses", "warning", "information is needed"),
    ("## Results", "See /home/me/data/x.csv\n\n## Results", "paths", "warning", "/home/me/data/x.csv"),
    ("## Results", "Use hf_abcdefghijklmnopqrstuvwxyz\n\n## Results", "secrets", "error", "access token"),
]


@pytest.mark.parametrize(("right", "wrong", "field", "level", "words"), PLANTED)
def test_each_planted_mistake_is_found(right: str, wrong: str, field: str, level: str, words: str) -> None:
    card = cards.fill(FACTS)
    assert right in card
    problems = cards.lint(card.replace(right, wrong, 1))
    assert any((p.field, p.level) == (field, level) and words in p.message for p in problems), problems


def test_problems_name_their_line() -> None:
    card = cards.fill(FACTS).replace("pipeline_tag: text-classification", "pipeline_tag: nope")
    problem = next(problem for problem in cards.lint(card) if problem.field == "pipeline_tag")
    assert card.split("\n")[problem.line - 1] == "pipeline_tag: nope"
    card = card.replace("## Results", "## Void\n\n## Results")
    problem = next(problem for problem in cards.lint(card) if problem.field == "Void")
    assert card.split("\n")[problem.line - 1] == "## Void"


@pytest.mark.parametrize(
    "text", ["", "---", "---\n---\n", "---\n- a\n---\n", "---\n3\n---\n", "\x00", "---\na: &x [*x]\n---\n"]
)
def test_whatever_is_given_is_judged_and_never_crashes(text: str) -> None:
    assert all(isinstance(problem, CardProblem) for problem in cards.lint(text))


def test_a_code_block_is_no_section() -> None:
    card = cards.fill(FACTS).replace("## Results", "## Code\n\n```bash\n# a comment\n```\n\n## Results")
    assert cards.lint(card) == []


def test_the_hub_has_the_last_say(server: HubServer, settings: Settings, token: SecretStr) -> None:
    assert [p for p in cards.validate_online(cards.fill(FACTS), settings, token) if p.level == "error"] == []
    wrong = cards.fill(FACTS).replace("license: apache-2.0", "license: aapache")
    found = cards.validate_online(wrong, settings, token)
    assert any(problem.level == "error" and "license" in problem.message for problem in found)
    server.faults.add(Fault("POST", "/api/validate-yaml", "silent", times=FOREVER))
    with pytest.raises(HubUnreachable):
        cards.validate_online(wrong, settings.model_copy(update={"hub_deadline": 0.5}), token)
