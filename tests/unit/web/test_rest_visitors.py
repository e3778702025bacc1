"""Who sees what over REST: visitors of a public studio, their sessions and their quota."""

from collections.abc import Callable

import httpx

from tests.unit.service.given import add_artifact
from tests.unit.web.answers import CSV, finished, refused
from tests.unit.web.serving import Served


def test_two_sessions_do_not_see_each_other(public: Served) -> None:
    with public.client() as ann, public.client() as ben:
        job = ann.post("/jobs", json={"recipe": "toy-recipe", "params": {"count": 1}}).json()
        assert job["owner"].startswith("session:")
        assert ben.get("/jobs").json() == []
        refs = [ann.post("/datasets", params={"name": "a.csv"}, content=CSV).json()["ref"]]
        result = add_artifact(public.studio, job["owner"], "of-ann")
        hidden: list[Callable[[httpx.Client], httpx.Response]] = [
            lambda who: who.get(f"/jobs/{job['id']}"),
            lambda who: who.get(f"/jobs/{job['id']}/log"),
            lambda who: who.get(f"/artifacts/{result}"),
            lambda who: who.get(f"/artifacts/{result}/card"),
            lambda who: who.put(f"/artifacts/{result}/card", content="x", headers={"content-type": "text/markdown"}),
            lambda who: who.get("/datasets/view", params={"ref": refs[0]}),
            lambda who: who.get("/datasets/row", params={"ref": refs[0], "number": 0}),
            lambda who: who.get("/datasets/cell", params={"ref": refs[0], "number": 0, "column": "text"}),
            lambda who: who.post("/datasets/sql", json={"ref": refs[0], "query": "FROM data"}),
        ]
        for ask in hidden:
            assert ask(ben).status_code == 404
            assert ask(ann).status_code == 200
        for method, path in (("POST", "cancel"), ("POST", "retry")):
            assert ben.request(method, f"/jobs/{job['id']}/{path}").status_code == 404
        for path in (f"/jobs/{job['id']}", f"/artifacts/{result}", f"/datasets/{refs[0]}"):
            assert ben.delete(path).status_code == 404
        assert ben.post(f"/artifacts/{result}/publish", json={"repo_id": "ben/x"}).status_code == 404
        stolen = {"inputs": "x", "model": f"artifact:{result}"}
        assert ben.post("/tasks/text-classification", json=stolen).status_code == 404
        assert ben.get("/artifacts").json() == []
        assert refs[0] not in [info["ref"] for info in ben.get("/datasets").json()]
        assert finished(ann, job["id"])["state"] == "succeeded"
        run = {"project": "toy-recipe", "metric": "number"}
        for path in ("", f"/{job['id']}/metrics", f"/{job['id']}/series"):
            assert ann.get(f"/runs{path}", params=run).status_code == 200
            refused(ben.get(f"/runs{path}", params=run), 404, "There is no")
        assert (ann.get("/projects").json(), ben.get("/projects").json()) == (["toy-recipe"], [])
        refused(ann.get("/datasets/view", params={"ref": "/etc/passwd"}), 422, "one's own machine", "dataset")
        refused(ann.post("/jobs", json={"recipe": "toy-recipe", "push": "a/b"}), 401, "Sign in")


def test_a_made_up_session_is_nobodys(public: Served) -> None:
    with public.client() as ann:
        owner = ann.post("/jobs", json={"recipe": "toy-recipe", "params": {"count": 1}}).json()["owner"]
        with httpx.Client(base_url=f"{public.url}/api", cookies={"studio_session": "local"}) as other:
            assert other.get("/jobs").json() == []
        assert owner.removeprefix("session:") == ann.cookies["studio_session"]


def test_the_quota_is_429(public: Served) -> None:
    with public.client() as ann:
        body = {"recipe": "toy-recipe", "params": {"count": 1000}}
        answers = [ann.post("/jobs", json=body) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        refused(answers[2], 429, "at most 2")
