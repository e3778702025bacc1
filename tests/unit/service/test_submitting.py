"""Jobs are submitted: bad values, keys and quotas. Real store."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from studio.core.errors import (
    InvalidInputs,
    QuotaExceeded,
    UnknownName,
)
from studio.service import Studio, Wishes
from tests.unit.service.given import ANN, BEN, LOCAL, TOY


def test_an_unknown_recipe_or_engine_lists_the_known(studio: Studio) -> None:
    with pytest.raises(UnknownName, match=r"'nope'. Known: text-classification, predict, .*, publish, kit-add"):
        studio.submit(LOCAL, "nope", {})
    with pytest.raises(UnknownName, match=r"Unknown engine 'moon'. Known: local"):
        studio.submit(LOCAL, TOY, {}, Wishes(engine="moon"))


def test_bad_values_are_named_by_their_dotted_fields(studio: Studio) -> None:
    values = {"dataset": "kit:debian-topics", "epochs": 0, "rank": -1}
    with pytest.raises(InvalidInputs) as caught:
        studio.submit(LOCAL, "text-classification", values)
    fields = [problem.field for problem in caught.value.problems]
    assert len(fields) == 2
    assert all("." in field for field in fields)
    with pytest.raises(InvalidInputs, match=r"count: 2 is not usable\..*twice"):
        studio.submit(LOCAL, TOY, {"toy_count": 1, "count": 2})
    with pytest.raises(InvalidInputs, match=r"nope: 1 is not usable.*Known: count"):
        studio.submit(LOCAL, TOY, {"nope": 1})
    assert [problem.field for problem in studio.validate(LOCAL, TOY, {"nope": 1})] == ["nope"]
    assert studio.jobs(LOCAL) == []


def test_the_same_key_is_the_same_job_even_when_nothing_else_would_do(public: Studio) -> None:
    first = public.submit(ANN, TOY, {"count": 1}, Wishes("click"))
    for _ in range(2):
        public.submit(ANN, TOY, {})
    with pytest.raises(QuotaExceeded, match="at most 3"):
        public.submit(ANN, TOY, {})
    assert public.submit(ANN, TOY, {"count": 1}, Wishes("click")).id == first.id
    assert public.submit(ANN, TOY, {"count": "nonsense"}, Wishes("click")).id == first.id
    assert public.submit(BEN, TOY, {"count": 1}, Wishes("click")).id != first.id


def test_many_at_once_neither_pass_the_quota_nor_double_a_key(public: Studio) -> None:
    def one(number: int) -> str:
        try:
            return public.submit(ANN, TOY, {}, Wishes("same" if number % 2 else "")).id
        except QuotaExceeded:
            return ""

    with ThreadPoolExecutor(12) as pool:
        ids = list(pool.map(one, range(24)))
    assert len(public.jobs(ANN)) == len(set(ids) - {""}) == 3
    assert len({ids[number] for number in range(1, 24, 2)} - {""}) <= 1


def test_a_recipe_may_have_a_limit_of_its_own(public: Studio) -> None:
    one, _ = (public.submit(ANN, "fetch", {"source": f"http://93.184.216.34/{n}.csv"}) for n in range(2))
    with pytest.raises(QuotaExceeded, match="2 jobs of this kind"):
        public.submit(ANN, "fetch", {"source": "http://93.184.216.34/2.csv"})
    public.submit(ANN, TOY, {})
    public.submit(BEN, "fetch", {"source": "http://93.184.216.34/2.csv"})
    public.cancel(ANN, one.id)
    public.submit(ANN, "fetch", {"source": "http://93.184.216.34/2.csv"})


def test_the_quota_is_per_owner_and_of_public_studios_only(studio: Studio, public: Studio) -> None:
    jobs = [public.submit(ANN, TOY, {}) for _ in range(3)]
    public.submit(BEN, TOY, {})
    public.cancel(ANN, jobs[0].id)
    public.submit(ANN, TOY, {})
    with pytest.raises(QuotaExceeded):  # trying again is one more that waits
        public.retry(ANN, jobs[0].id)
    for _ in range(30):
        studio.submit(LOCAL, TOY, {})
