"""The Jobs API with the library's client."""

from __future__ import annotations

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, JobNotFoundError

from tests.hubserver import HubServer


def test_job_is_submitted_watched_and_ends(hub_server: HubServer, hub_api: HfApi) -> None:
    job = hub_api.run_job(
        image="python:3.12", command=["python", "-c", "1"], flavor="t4-small", secrets={"HF_TOKEN": "hidden"},
        labels={"run": "1"}, timeout="2h",
    )  # fmt: skip
    assert (job.status.stage, job.flavor, job.owner.name) == ("SCHEDULING", "t4-small", "alice")
    state = hub_server.hub.jobs[job.id]
    assert state.spec["timeoutSeconds"] == 7200
    assert "hidden" not in repr(hub_api.inspect_job(job_id=job.id))

    # without a namespace, `HfApi.list_jobs` asks the global client who one is, not this one
    state.stage, state.log = "RUNNING", ["one", "two"]
    assert [item.id for item in hub_api.list_jobs(status="RUNNING", labels={"run": "1"}, namespace="alice")] == [job.id]
    assert list(hub_api.list_jobs(labels={"run": "2"}, namespace="alice")) == []
    state.stage = "COMPLETED"
    assert list(hub_api.fetch_job_logs(job_id=job.id, follow=True)) == ["one", "two"]
    assert hub_api.inspect_job(job_id=job.id).status.stage == "COMPLETED"
    with pytest.raises(HfHubHTTPError):
        hub_api.cancel_job(job_id=job.id)


def test_job_is_cancelled_by_its_owner_only(hub_server: HubServer, hub_api: HfApi) -> None:
    job = hub_api.run_job(image="python:3.12", command=["true"])
    for token in (hub_server.other_token, hub_server.read_token):
        with pytest.raises(HfHubHTTPError) as error:
            hub_api.cancel_job(job_id=job.id, namespace="alice", token=token)
        assert error.value.response.status_code == 403
    hub_api.cancel_job(job_id=job.id)
    assert hub_server.hub.jobs[job.id].stage == "CANCELED"
    with pytest.raises(JobNotFoundError):
        hub_api.inspect_job(job_id="0" * 24)


def test_hardware_has_prices_and_unknown_hardware_is_refused(hub_server: HubServer, hub_api: HfApi) -> None:
    known = {item.name: item for item in hub_api.list_jobs_hardware()}
    assert known["cpu-basic"].accelerator is None
    assert known["t4-small"].unit_cost_usd > known["cpu-basic"].unit_cost_usd > 0
    with pytest.raises(HfHubHTTPError, match="flavor"):
        hub_api.run_job(image="python:3.12", command=["true"], flavor="abacus")
