"""Publishing data sets, over real HTTP: what goes up comes back the same, here and with the library `datasets`."""

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import (
    Conflict,
    Forbidden,
    HubError,
    HubUnreachable,
    InvalidInput,
    JobCancelled,
    NotFound,
    QuotaExceeded,
    SignInRequired,
    StudioError,
)
from studio.core.settings import Settings
from studio.data import features, reading, reports, sharding, sources, uploads
from studio.data.checks.base import Finding
from studio.data.records import Basis
from studio.data.reports import Report
from studio.hub import cards
from studio.jobs import artifacts
from studio.jobs.artifacts import DataReference, Manifest
from studio.jobs.files import CANCEL
from studio.recipes import publish
from studio.recipes.publish import PublishParams
from studio.recipes.publishing import facts, work
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer
from tests.unit.recipes.test_publish import assert_nowhere, context_for, in_subprocess, server

__all__ = ["server"]

REPO = "alice/rows"
OWNER = "hf:alice"
NAMES = ["bad", "good"]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c626001000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def made(settings: Settings) -> str:
    """A result of alice's: two splits, class labels, pictures, lists, a null."""
    schema = pa.schema(
        [("text", pa.string()), ("label", pa.int64()), ("image", features.MEDIA), ("tags", pa.list_(pa.string()))]
    )
    described = features.with_features(
        schema,
        {
            "text": {"dtype": "string", "_type": "Value"},
            "label": features.class_label(NAMES),
            "image": {"_type": "Image"},
            "tags": features.list_of({"dtype": "string", "_type": "Value"}),
        },
    )
    staging = artifacts.stage(settings.artifacts_dir)
    for split, count in (("train", 300), ("test", 20)):
        rows = [
            {
                "text": f"row {number} <b>" if number else None,
                "label": number % 2,
                "image": {"bytes": PNG, "path": f"{number}.png"} if number % 7 else None,
                "tags": ["a"] * (number % 3),
            }
            for number in range(count)
        ]
        pq.write_table(pa.Table.from_pylist(rows, described), staging / f"{split}.parquet")
    (staging / "recipe.yaml").write_text(
        "format: 1\nsource:\n  ref: /home/secret/rows.csv\nsteps:\n  - step: shuffle\n    seed: 3\n"
    )
    manifest = Manifest(
        id="transform-1",
        kind="dataset",
        title="Rows, shuffled",
        recipe="transform",
        params={"dataset": "/home/secret/rows.csv", "steps": [{"step": "shuffle", "seed": 3}]},
        owner=OWNER,
        job="job-secret-1",
        created_at=1.0,
        data=DataReference(id="/home/secret/rows.csv", fingerprint="f" * 64, splits={"train": 320}, license="mit"),
        versions={"studio": "1"},
    )
    artifacts.commit(staging, manifest)
    return "artifact:transform-1"


def publish_it(home: Path, token: str, artifact: str, **changes: Any) -> str:
    params = PublishParams(**{"artifact": artifact, "repo_id": REPO, "license": "mit", **changes})
    publish.run(params, context_for(home, token))
    return params.repo_id


def rows_of(dataset: sources.Dataset, split: str) -> list[dict[str, Any]]:
    return [row for batch in reading.batches(dataset, split) for row in batch.to_pylist()]


LOAD = """
import json, sys
from datasets import load_dataset
found = load_dataset(sys.argv[1], token=sys.stdin.read().strip())
for split in found:
    table = found[split].data.table.to_pylist()
    told = [{**row, "image": row["image"] and row["image"]["path"]} for row in table]
    print(json.dumps({"split": split, "features": found[split].features.to_dict(), "rows": told}))
"""


def test_what_goes_up_comes_back_the_same(
    server: HubServer, settings: Settings, made: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    publish_it(tmp_path, server.token, made)
    held = server.files(REPO, "dataset")
    assert set(held) - {".gitattributes"} == {
        "README.md", "manifest.json", "recipe.yaml",
        "data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet",
    }  # fmt: skip
    assert server.repo(REPO, "dataset").private
    for path, content in held.items():
        assert b"/home/secret" not in content, path
        assert b"job-secret" not in content, path
        assert OWNER.encode() not in content, path
    link = f"{server.endpoint}/datasets/{REPO}"
    assert artifacts.load(settings.artifacts_dir, "transform-1").manifest.published == [link]
    assert link in capfd.readouterr().out
    assert_nowhere(server.token, tmp_path, "")

    from pydantic import SecretStr

    reader = settings.reading_as(SecretStr(server.token))
    original, back = sources.resolve(made, settings, OWNER), sources.resolve(REPO, reader, OWNER)
    assert (back.info.splits, back.info.license) == ({"train": 300, "test": 20}, "mit")
    assert back.info.labels == {"label": ("bad", "good")}
    for split in ("train", "test"):
        assert rows_of(back, split) == rows_of(original, split)

    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment = kept | {"HF_ENDPOINT": server.endpoint, "HF_HOME": str(tmp_path / "hf")}
    output = in_subprocess(LOAD, REPO, environment=environment, given=server.token)
    for line in output.splitlines():
        told = json.loads(line)
        split = told["split"]
        wanted = [{**row, "image": row["image"] and row["image"]["path"]} for row in rows_of(original, split)]
        assert told["rows"] == wanted
        schema = pq.read_schema(original.files[split][0])
        assert told["features"] == features.of(original, split, schema)
        assert told["features"]["label"] == features.class_label(NAMES)


def test_the_card_tells_all(server: HubServer, settings: Settings, made: str, tmp_path: Path) -> None:
    fingerprint = sources.resolve(made, settings, OWNER).fingerprint()
    finding = Finding(
        check="empty",
        title="Empty cells",
        severity="warning",
        summary="1 cell is empty.",
        basis={"train": Basis(300, 300)},
        method="Counted.",
    )
    staging = artifacts.stage(settings.artifacts_dir)
    report = Report(ref=made, title="Rows", splits={"train": 300}, findings=(finding,), fingerprint=fingerprint)
    (staging / "report.json").write_text(reports.to_json(report))
    checked = Manifest(
        id="check-1", kind="report", title="Check", recipe="check", params={}, owner=OWNER, job="j", created_at=2.0,
        data=DataReference(id=made, fingerprint=fingerprint),
    )  # fmt: skip
    artifacts.commit(staging, checked)
    publish_it(tmp_path, server.token, made)
    card = server.files(REPO, "dataset")["README.md"].decode()
    data = cards.load(cards.split(card)[0])
    assert (data["license"], data["pretty_name"], data["size_categories"]) == ("mit", "Rows, shuffled", ["n<1K"])
    assert [split["num_examples"] for split in data["dataset_info"]["splits"]] == [300, 20]
    assert data["dataset_info"]["download_size"] == sum(
        len(content) for path, content in server.files(REPO, "dataset").items() if path.startswith("data/")
    )
    assert data["configs"][0]["data_files"][1] == {"split": "test", "path": "data/test-*"}
    for words in (
        "made from: `rows.csv`", "f" * 64, "`transform` of Studio", 'load_dataset("alice/rows")', "Empty cells",
        "class label: bad, good", "1 null", "| `train` | 300 |", "seed 3",
    ):  # fmt: skip
        assert words in card, words
    assert cards.lint(card, "dataset") == []


def test_the_features_are_those_of_the_library(settings: Settings, made: str) -> None:
    import datasets

    dataset = sources.resolve(made, settings, OWNER)
    described = facts.common_features(dataset)
    known = datasets.Features.from_dict(described)
    assert known.to_dict() == described
    assert features.as_yaml(described) == known._to_yaml_list()


def test_pressing_again_sends_nothing_and_fewer_rows_replace_all(
    server: HubServer, settings: Settings, tmp_path: Path
) -> None:
    first = upload(settings, [{"n": number} for number in range(1000)])
    publish_it(tmp_path, server.token, first)
    commits = [request for request in server.requests if "/commit/" in request.path]
    publish_it(tmp_path, server.token, first)
    assert [request for request in server.requests if "/commit/" in request.path] == commits
    # an earlier, larger state had one more shard
    from huggingface_hub import HfApi

    api = HfApi(endpoint=server.endpoint, token=server.token)
    stale = server.files(REPO, "dataset")["data/train-00000-of-00001.parquet"]
    api.upload_file(
        path_or_fileobj=io.BytesIO(stale), path_in_repo="data/train-00001-of-00002.parquet", repo_id=REPO,
        repo_type="dataset",
    )  # fmt: skip
    publish_it(tmp_path, server.token, first)
    held = server.files(REPO, "dataset")
    assert [path for path in held if path.startswith("data/")] == ["data/train-00000-of-00001.parquet"]


def upload(settings: Settings, rows: list[dict[str, Any]], owner: str = OWNER) -> str:
    file = settings.home / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return uploads.store(file, "rows.jsonl", settings, owner).ref


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (Fault("GET", "whoami", "status", status=401), SignInRequired, "expired"),
        (Fault("POST", "/repos/create", "status", status=403), Forbidden, "write permission"),
        (Fault("POST", "/preupload/", "status", status=429, retry_after=60), QuotaExceeded, "in 60 s"),
        (Fault("POST", "/commit/", "status", status=500, times=FOREVER), HubError, "fault of its own"),
        (Fault("POST", "/commit/", "cut_request", times=FOREVER), HubUnreachable, "connection"),
    ],
)
def test_each_failure_is_clear_and_pressing_again_finishes(
    server: HubServer, settings: Settings, tmp_path: Path, fault: Fault, error: type[StudioError], text: str
) -> None:
    ref = upload(settings, [{"n": 1}])
    server.faults.add(fault)
    with pytest.raises(error, match=text):
        publish_it(tmp_path, server.token, ref)
    assert (tmp_path / "jobs/publish-1/publish/data/train-00000-of-00001.parquet").is_file()
    server.faults.clear()
    publish_it(tmp_path, server.token, ref)
    assert "data/train-00000-of-00001.parquet" in server.files(REPO, "dataset")


def test_a_name_that_is_taken(server: HubServer, settings: Settings, tmp_path: Path) -> None:
    ref = upload(settings, [{"n": 1}])
    publish_it(tmp_path, server.token, ref, private=False)
    with pytest.raises(Conflict, match="is public"):
        publish_it(tmp_path, server.token, ref)
    with pytest.raises((Conflict, Forbidden), match="bob/rows"):
        publish_it(tmp_path, server.token, ref, repo_id="bob/rows")
    with pytest.raises(SignInRequired):
        publish_it(tmp_path, "", ref)


def test_a_cut_run_keeps_the_shards_that_are_whole(settings: Settings, made: str, tmp_path: Path) -> None:
    from studio.data.watching import Watch

    def stop_in_test() -> bool:
        return (tmp_path / "work/publish/data/train-00000-of-00001.parquet").exists()

    with pytest.raises(JobCancelled):
        work.gather(made, lambda _: "---\n---\n# A\n", settings, OWNER, tmp_path / "work", Watch(stop=stop_in_test))
    file = tmp_path / "work/publish/data/train-00000-of-00001.parquet"
    before = file.stat().st_mtime_ns
    folder = work.gather(made, lambda _: "---\n---\n# A\n", settings, OWNER, tmp_path / "work", Watch())
    assert file.stat().st_mtime_ns == before
    assert sorted(path.name for path in (folder / "data").iterdir()) == [
        "test-00000-of-00001.parquet",
        "train-00000-of-00001.parquet",
    ]


def test_large_splits_become_shards(settings: Settings, made: str, tmp_path: Path) -> None:
    table = pa.table({"blob": [os.urandom(1000) for _ in range(90_000)]})
    pq.write_table(table, tmp_path / "large.parquet")
    dataset = sources.resolve(str(tmp_path / "large.parquet"), settings, "local")
    found = sharding.write(dataset, "train", tmp_path / "out", most_bytes=75 * 10**6)
    number = len(found.files)
    assert number > 1
    assert [file.name for file in found.files] == [f"train-{at:05d}-of-{number:05d}.parquet" for at in range(number)]
    assert max(file.stat().st_size for file in found.files) <= 75 * 10**6
    assert pa.concat_tables(pq.read_table(file) for file in found.files).column("blob").equals(table.column("blob"))
    assert found.rows == 90_000


def test_a_split_without_rows_is_published_too(
    server: HubServer, settings: Settings, made: str, tmp_path: Path
) -> None:
    file = settings.artifacts_dir / "transform-1" / "test.parquet"
    pq.write_table(pq.read_table(file).slice(0, 0), file)
    publish_it(tmp_path, server.token, made, private=False)
    assert sources.resolve(REPO, settings, OWNER).info.splits == {"train": 300, "test": 0}


def test_validate_names_the_field(settings: Settings, made: str, server: HubServer) -> None:
    def fields(owner: str = OWNER, **values: str) -> list[str]:
        params = PublishParams.model_validate({"artifact": made, "repo_id": REPO} | values)
        return [problem.field for problem in publish.validate(params, settings, owner)]

    assert fields() == fields(artifact="transform-1") == fields(artifact="kit:debian-topics") == []
    assert fields(owner="hf:bob") == ["artifact"]
    assert fields(artifact="upload:0123456789abcdef") == ["artifact"]
    assert fields(artifact="/etc/passwd") == ["artifact"]
    assert fields(license="mine") == ["license"]
    assert fields(card="no block") == ["card"]
    server.add_repo("alice/there", {"data.csv": b"a\n1\n"}, "dataset")
    assert fields(artifact="alice/there") == ["artifact"]
    (settings.artifacts_dir / "transform-1" / "README.md").write_text("---\nlicense: nonsense\n---\n# Mine\n")
    assert fields() == ["artifact"]


def test_splits_must_have_the_same_columns(settings: Settings, made: str) -> None:
    folder = settings.artifacts_dir / "transform-1"
    pq.write_table(pa.table({"other": [1]}), folder / "test.parquet")
    params = PublishParams(artifact=made, repo_id=REPO)
    [problem] = publish.validate(params, settings, OWNER)
    assert "not those of 'train'" in problem.expected
    shutil.move(folder / "test.parquet", folder / "te st.parquet")
    [problem] = publish.validate(params, settings, OWNER)
    assert "may hold letters" in problem.expected


def test_the_card_that_is_given_goes_up(server: HubServer, settings: Settings, tmp_path: Path) -> None:
    ref = upload(settings, [{"n": 1}])
    publish_it(tmp_path, server.token, ref, card="---\n# mine\nlicense: mit\n---\n# Mine\n\nSee OWNER/NAME.\n")
    card = server.files(REPO, "dataset")["README.md"].decode()
    assert card.startswith("---\n# mine\nlicense: mit\n")
    assert f"See {REPO}." in card
    assert cards.load(cards.split(card)[0])["dataset_info"]["splits"][0]["num_examples"] == 1


def test_cancelled_before_anything_is_sent(server: HubServer, settings: Settings, tmp_path: Path) -> None:
    ref = upload(settings, [{"n": 1}])
    context = context_for(tmp_path, server.token)
    (context.attempt_dir / CANCEL).touch()
    with pytest.raises(JobCancelled):
        publish.run(PublishParams(artifact=ref, repo_id=REPO), context)
    assert server.requests == []


def test_types_that_the_hub_does_not_know(tmp_path: Path, settings: Settings) -> None:
    pq.write_table(pa.table({"m": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))}), tmp_path / "m.parquet")
    dataset = sources.resolve(str(tmp_path / "m.parquet"), settings, "local")
    with pytest.raises(InvalidInput, match="cast it first"):
        facts.common_features(dataset)


def test_somebody_elses_upload_is_not_there(server: HubServer, settings: Settings, tmp_path: Path) -> None:
    ref = upload(settings, [{"n": 1}], "hf:bob")
    with pytest.raises(NotFound):
        publish_it(tmp_path, server.token, ref)


@pytest.fixture(autouse=True)
def _home(settings: Settings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
