"""The Xet formats and the storage behind them, with what the real client uploads."""

from __future__ import annotations

import hashlib
import random
import struct
from pathlib import Path

import httpx
import pytest

from tests.hubserver import HubServer
from tests.hubserver.errors import HubError
from tests.hubserver.xet import Segment, hash_text, parse_shard, parse_xorb

from .client import run_client


def upload(hub_server: HubServer, environment: dict[str, str], path: Path) -> None:
    code = f"""
        from huggingface_hub import HfApi
        HfApi().upload_file(repo_id="alice/m", path_or_fileobj={str(path)!r}, path_in_repo={path.name!r})
    """
    run_client(code, environment, xet=True)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A file whose parts Xet packs differently: noise, a repeated word, and floats."""
    source = random.Random(11)
    floats = b"".join(struct.pack("<f", source.gauss(0, 0.02)) for _ in range(200_000))
    path = tmp_path / "mixed.bin"
    path.write_bytes(source.randbytes(300_000) + b"word" * 100_000 + floats)
    return path


@pytest.mark.parametrize(
    ("policy", "scheme"), [("none", 0), ("lz4", 1), ("bg4-lz4", 2)], ids=["stored", "lz4", "grouped bytes"]
)
def test_every_way_to_pack_a_chunk_is_unpacked(
    hub_server: HubServer, hub_environment: dict[str, str], mixed: Path, policy: str, scheme: int
) -> None:
    hub_server.add_repo("alice/m", {})
    upload(hub_server, hub_environment | {"HF_XET_XORB_COMPRESSION_POLICY": policy}, mixed)
    assert hub_server.files("alice/m")["mixed.bin"] == mixed.read_bytes()
    schemes = {chunk.scheme for xorb in hub_server.hub.xet.xorbs.values() for chunk in xorb.chunks}
    assert scheme in schemes


def test_file_is_made_of_chunks_of_two_uploads(
    hub_server: HubServer, hub_environment: dict[str, str], mixed: Path, tmp_path: Path
) -> None:
    hub_server.add_repo("alice/m", {})
    upload(hub_server, hub_environment, mixed)
    longer = tmp_path / "longer.bin"
    longer.write_bytes(mixed.read_bytes() + random.Random(5).randbytes(500_000))
    upload(hub_server, hub_environment, longer)

    storage = hub_server.hub.xet
    assert len(storage.xorbs) == 2
    record = storage.files[storage.by_sha256[hashlib.sha256(longer.read_bytes()).hexdigest()]]
    assert {segment.xorb for segment in record.segments} == set(storage.xorbs)

    download = 'from huggingface_hub import hf_hub_download; print(hf_hub_download("alice/m", "longer.bin"))'
    fresh = hub_environment | {"HF_HOME": str(tmp_path / "other_home")}
    path = run_client(download, fresh, xet=True).strip()
    assert Path(path).read_bytes() == longer.read_bytes()
    assert hub_server.count("GET", "/cdn/") == 0

    data = longer.read_bytes()
    for start, stop in [(0, 1), (123_456, 654_321), (len(data) - 1, len(data))]:
        offset, runs = storage.reconstruct(record, start, stop)
        plain = b"".join(storage.xorbs[run.xorb].unpack(index) for run in runs for index in range(run.start, run.end))
        assert plain[offset : offset + stop - start] == data[start:stop]


def test_reconstruction_needs_a_token_and_a_known_file(hub_server: HubServer) -> None:
    hub_server.add_repo("alice/m", {})
    url = f"{hub_server.endpoint}/cas/v1/reconstructions/{'0' * 64}"
    assert httpx.get(url).status_code == 401
    answer = httpx.get(f"{hub_server.endpoint}/api/models/alice/m/xet-read-token/main")
    token = {"Authorization": f"Bearer {answer.headers['X-Xet-Access-Token']}"}
    assert httpx.get(url, headers=token).status_code == 404
    shard = httpx.post(f"{hub_server.endpoint}/cas/v2/shards", headers=token, content=b"")
    assert shard.status_code == 403
    signed = {"Authorization": f"Bearer {hub_server.read_token}"}
    write = httpx.get(f"{hub_server.endpoint}/api/models/alice/m/xet-write-token/main", headers=signed)
    assert write.status_code == 403


@pytest.mark.parametrize(
    "data",
    [b"", b"\1" + bytes(7), bytes([0, 9, 0, 0, 0, 9, 0, 0]) + b"short", bytes([0, 1, 0, 0, 7, 1, 0, 0]) + b"x"],
    ids=["empty", "version", "cut off", "scheme"],
)
def test_malformed_xorb_is_refused(data: bytes) -> None:
    with pytest.raises(HubError, match="malformed xorb"):
        parse_xorb(data)


def test_chunk_that_is_not_what_it_says_is_refused() -> None:
    for scheme in (0, 1):
        xorb = parse_xorb(bytes([0, 3, 0, 0, scheme, 9, 0, 0]) + b"abc")
        with pytest.raises(HubError):
            xorb.unpack(0)


def shard_of(file_hash: bytes, xorb: bytes, chunks: tuple[int, int], size: int, sha256: bytes) -> bytes:
    """A shard with one file of one segment, as the protocol's page on shards lays it out."""
    header = b"HFRepoMetaData".ljust(32, b"\0") + struct.pack("<QQ", 2, 0)
    file = struct.pack("<32sII8x", file_hash, 1 << 30, 1)
    segment = struct.pack("<32sIIII", xorb, 0, size, *chunks)
    metadata = sha256 + bytes(16)
    bookmark = b"\xff" * 32 + bytes(16)
    return header + file + segment + metadata + bookmark + bookmark


def test_shard_is_read_as_the_protocol_lays_it_out() -> None:
    file_hash, xorb, sha256 = (bytes(range(start, start + 32)) for start in (0, 50, 100))
    (record,) = parse_shard(shard_of(file_hash, xorb, (2, 5), 77, sha256))
    assert record.hash == hash_text(file_hash)
    assert record.hash.startswith("0706050403020100")
    assert record.segments == (Segment(hash_text(xorb), 2, 5, 77),)
    assert record.sha256 == hash_text(sha256)
    with pytest.raises(HubError, match="malformed shard"):
        parse_shard(shard_of(file_hash, xorb, (2, 5), 77, sha256)[:120])


def test_shard_of_chunks_that_never_came_is_refused_whole(hub_server: HubServer) -> None:
    hub_server.add_repo("alice/m", {})
    signed = {"Authorization": f"Bearer {hub_server.token}"}
    answer = httpx.get(f"{hub_server.endpoint}/api/models/alice/m/xet-write-token/main", headers=signed)
    token = {"Authorization": f"Bearer {answer.json()['accessToken']}"}
    shard = shard_of(bytes(32), bytes(32), (0, 1), 3, bytes(32))
    refused = httpx.post(f"{hub_server.endpoint}/cas/v2/shards", headers=token, content=shard)
    assert refused.status_code == 400
    assert "were not uploaded" in refused.json()["error"]

    xorb = bytes([0, 3, 0, 0, 0, 3, 0, 0]) + b"abc"
    added = httpx.post(f"{hub_server.endpoint}/cas/v1/xorbs/default/{'0' * 64}", headers=token, content=xorb)
    assert added.json() == {"was_inserted": True}
    refused = httpx.post(f"{hub_server.endpoint}/cas/v2/shards", headers=token, content=shard)
    assert "sha256 mismatch" in refused.json()["error"]
    assert hub_server.hub.xet.files == {}

    right = bytes.fromhex(hash_text(hashlib.sha256(b"abc").digest()))
    shard = shard_of(bytes(32), bytes(32), (0, 1), 3, right)
    assert httpx.post(f"{hub_server.endpoint}/cas/v1/shards", headers=token, content=shard).status_code == 200
    assert hub_server.hub.large[hashlib.sha256(b"abc").hexdigest()] == b"abc"
