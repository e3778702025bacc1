"""The rules for card metadata."""

from __future__ import annotations

import pytest
from huggingface_hub import HfApi

from tests.hubserver import HubServer
from tests.hubserver.cards import check_card
from tests.hubserver.storage import RepoKind

RESULT = "results:\n  - task: {type: text-classification}\n    dataset: {type: imdb, name: IMDB}\n    metrics: "


@pytest.mark.parametrize(
    ("kind", "yaml", "error"),
    [
        ("model", "license: nonsense", '"license" must be one of'),
        ("model", "language: english", '"language" with value "english" is not valid'),
        ("model", "language: [en, FR]", '"language[1]" must only contain lowercase characters'),
        ("model", "tags: one", '"tags" must be an array'),
        ("model", "base_model: not an id", '"base_model" with value "not an id" is not valid'),
        ("model", "base_model: [a/b, 'a/b/c']", '"base_model[1]"'),
        ("model", "model-index: {}", '"model-index" must be an array'),
        ("model", "model-index: [{results: []}]", '"model-index[0].name" is required'),
        ("model", "model-index: [{name: m}]", '"model-index[0].results" is required'),
        ("model", "model-index: [{name: m, results: [{metrics: []}]}]", 'results[0].task.type" is required'),
        (
            "model",
            f"model-index:\n- name: m\n  {RESULT.replace(chr(10), chr(10) + '  ')}[{{type: f1}}]",
            'value" is req',
        ),
        ("model", "a: [", "YAML Metadata Error"),
        ("model", "- a", "must be a mapping"),
        ("dataset", "configs: [{data_files: x}]", '"configs[0].config_name" is required'),
        ("space", "sdk: flask", '"sdk" must be one of'),
        ("space", "sdk: gradio\ncolorFrom: pinkish", '"colorFrom" must be one of'),
    ],
)
def test_errors(kind: RepoKind, yaml: str, error: str) -> None:
    report = check_card(f"---\n{yaml}\n---\n# Title\n", kind)
    assert [message for message in report.errors if error in message], report


@pytest.mark.parametrize(
    ("kind", "content", "warning"),
    [
        ("model", "# no block", "empty or missing yaml metadata"),
        ("model", "---\n---\n", "empty or missing yaml metadata"),
        ("model", "---\npipeline_tag: mind-reading\n---\n", "pipeline tag"),
        ("model", "---\nlicense: other\n---\n", "license_name"),
        ("dataset", "---\ntask_categories: [mind-reading]\n---\n", "task_categories"),
    ],
)
def test_warnings_do_not_refuse(kind: RepoKind, content: str, warning: str) -> None:
    report = check_card(content, kind)
    assert report.errors == []
    assert [message for message in report.warnings if warning in message], report


def test_good_card_passes() -> None:
    text = (
        "---\nlicense: apache-2.0\nlanguage: ['en', 'no', deu]\ntags: [x]\nbase_model: acme/base\ndatasets: [imdb]\n"
        "pipeline_tag: text-classification\nmodel-index:\n- name: m\n  "
        + RESULT.replace("\n", "\n  ")
        + "[{type: f1, value: 0.5}]\n---\n"
    )
    report = check_card(text, "model")
    assert (report.errors, report.warnings) == ([], [])


def test_client_raises_errors_and_warns(hub_server: HubServer, hub_api: HfApi) -> None:
    hub_server.add_repo("alice/m", {})
    with pytest.raises(ValueError, match='"license" must be one of'):
        hub_api.upload_file(path_or_fileobj=b"---\nlicense: x\n---", path_in_repo="README.md", repo_id="alice/m")
    with pytest.warns(UserWarning, match="empty or missing yaml metadata"):
        hub_api.upload_file(path_or_fileobj=b"# Plain", path_in_repo="README.md", repo_id="alice/m")
    assert hub_server.files("alice/m")["README.md"] == b"# Plain"
