"""Who may see and do what with jobs, results and uploads; what is kept from whom."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from studio.core.errors import (
    InvalidInput,
    InvalidInputs,
    NotFound,
)
from studio.core.types import Caller
from studio.jobs.job import JobState
from studio.service import Studio
from tests.unit.service.given import ANN, BEN, LOCAL, TEACHER, TOY, add_artifact


def test_jobs_are_their_owners_and_the_admins(public: Studio) -> None:
    job = public.submit(ANN, TOY, {})
    verbs: list[Callable[[Caller], Any]] = [
        lambda who: public.job(who, job.id),
        lambda who: public.log(who, job.id),
        lambda who: public.wait(who, job.id, 0),
        lambda who: public.events(who, 0, job.id),
        lambda who: public.run_metrics(who, TOY, job.id),
        lambda who: public.series(who, TOY, job.id, "number"),
        lambda who: public.retry(who, job.id),
        lambda who: public.delete(who, job.id),
        lambda who: public.cancel(who, job.id),
    ]
    for verb in verbs:
        with pytest.raises(NotFound, match=f"There is no job '{job.id}'"):
            verb(BEN)
    assert public.jobs(BEN) == []
    assert public.events(BEN) == []
    for who in (ANN, TEACHER):
        assert [found.id for found in public.jobs(who)] == [job.id]
        assert public.job(who, job.id).owner == ANN.owner
        assert public.log(who, job.id) == ("", 0)
        assert [event.job for event in public.events(who, 0, job.id)] == [job.id]
    assert public.cancel(TEACHER, job.id).state is JobState.CANCELLED
    assert public.retry(TEACHER, job.id).owner == ANN.owner
    public.cancel(ANN, job.id)
    public.delete(TEACHER, job.id)
    assert public.jobs(ANN) == []


def test_artifacts_and_cards_are_their_owners_and_the_admins(public: Studio) -> None:
    result = add_artifact(public, ANN.owner)
    signed_in = replace(BEN, token=SecretStr("hf_ben"))
    verbs: list[Callable[[], Any]] = [
        lambda: public.artifact(BEN, result),
        lambda: public.card(BEN, result),
        lambda: public.save_card(BEN, result, "mine now"),
        lambda: public.delete_artifact(BEN, result),
        lambda: public.publish(signed_in, result, "ben/stolen"),
        lambda: public.predict(BEN, "text-classification", {"inputs": "a"}, {}, f"artifact:{result}"),
        lambda: public.snippets(BEN, "text-classification", {"inputs": "a"}, {}, f"artifact:{result}", "http://x"),
    ]
    for verb in verbs:
        with pytest.raises(NotFound, match=f"There is no artifact '{result}'"):
            verb()
    with pytest.raises(InvalidInputs, match="There is no artifact"):  # nor by way of the recipe
        public.submit(signed_in, "publish", {"artifact": result, "repo_id": "ben/stolen"})
    assert public.artifacts(BEN) == []
    assert [info.ref for info in public.models(BEN, "text-classification") if info.source == "artifact"] == []
    public.save_card(ANN, result, "# Mine")
    assert public.card(TEACHER, result) == "# Mine"
    assert public.card(ANN, result, fresh=True) != "# Mine"
    assert [artifact.id for artifact in public.artifacts(TEACHER)] == [result]


@pytest.mark.parametrize("name", ["", ".", "..", "../jobs", "/etc", ".staging-1", "a\0b", "x" * 300])
def test_ids_from_outside_lead_nowhere(public: Studio, name: str) -> None:
    add_artifact(public, ANN.owner)
    for verb in (public.artifact, public.job, public.card, public.delete_artifact, public.delete_dataset):
        with pytest.raises(NotFound):
            verb(TEACHER, name)


def test_uploads_and_paths_are_their_owners(public: Studio, studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "reviews.csv"
    file.write_text("text,label\ngood,a\nbad,b\n")
    ref = public.upload(ANN, file, file.name).ref
    assert public.view(ANN, ref).total == 2
    for who in (BEN, TEACHER):
        with pytest.raises(NotFound):
            public.view(who, ref)
        with pytest.raises(NotFound):
            public.column(who, ref, "train", "text")
        with pytest.raises(NotFound):
            public.delete_dataset(who, ref)
        assert ref not in [info.ref for info in public.datasets(who)]
    problems = public.validate(BEN, "text-classification", {"dataset": ref})
    assert any("no upload" in str(problem) for problem in problems)
    with pytest.raises(InvalidInput, match="one's own machine"):
        public.view(ANN, str(file))
    assert studio.view(LOCAL, str(file)).total == 2
