"""Search by meaning: one vector of length 1 per row, as 16-bit floats in one file; the nearest by their cosine.

Every vector is compared, block by block, so that nothing is missed and little is in memory. Who makes the vectors is
not known here.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.data.fulltext import Hits

VECTORS, PLANE = "vectors.f16", "plane.f32"
BLOCK = 16_384  # vectors that are compared at once
KEEP_ROWS = "rows.i64"  # of the rows that stand in the plane

Matrix = NDArray[np.float32]


def written(folder: Path, width: int) -> int:
    """Vectors that lie in the folder already; a last one that was cut off does not count, and goes."""
    file = folder / VECTORS
    if not file.exists():
        return 0
    whole = file.stat().st_size // (2 * width)
    with file.open("r+b") as opened:
        opened.truncate(whole * 2 * width)
    return whole


def append(folder: Path, vectors: Any) -> None:
    """Write vectors (rows × width, of length 1) behind those that are there."""
    with (folder / VECTORS).open("ab") as file:
        file.write(np.ascontiguousarray(vectors, dtype="<f2").tobytes())


def vectors(folder: Path, width: int) -> NDArray[np.float16]:
    """All vectors, rows × width, mapped from the file."""
    if not (folder / VECTORS).stat().st_size:
        return np.empty((0, width), dtype="<f2")
    return np.memmap(folder / VECTORS, dtype="<f2", mode="r").reshape(-1, width)


def search(folder: Path, query: Sequence[float], offset: int, limit: int) -> Hits:
    """The rows whose vectors come nearest to the query's; scores are cosines, the total is all rows."""
    wanted = np.asarray(query, dtype=np.float32)
    wanted /= max(float(np.linalg.norm(wanted)), 1e-12)
    table = vectors(folder, len(wanted))
    scores = np.empty(len(table), dtype=np.float32)
    for start in range(0, len(table), BLOCK):
        scores[start : start + BLOCK] = np.asarray(table[start : start + BLOCK], dtype=np.float32) @ wanted
    count = min(len(scores), offset + limit)
    if not count:
        return Hits([], [], len(scores))
    best = np.argpartition(-scores, count - 1)[:count]
    ordered = best[np.lexsort((best, -scores[best]))][offset:]
    return Hits(ordered.tolist(), scores[ordered].tolist(), len(scores))


def write_plane(folder: Path, rows: Iterable[int], points: Any) -> None:
    """Keep where some rows lie on a plane: rows × 2."""
    np.asarray(list(rows), dtype="<i8").tofile(folder / KEEP_ROWS)
    np.ascontiguousarray(points, dtype="<f4").tofile(folder / PLANE)


def plane(folder: Path) -> tuple[list[int], Matrix]:
    """The rows that stand on the plane, and where: rows × 2; nothing when it was not made."""
    if not (folder / PLANE).exists():
        return [], np.empty((0, 2), dtype=np.float32)
    return np.fromfile(folder / KEEP_ROWS, dtype="<i8").tolist(), np.fromfile(folder / PLANE, "<f4").reshape(-1, 2)


def flatten(table: Any, seed: int, check: Callable[[], None]) -> Any:
    """Vectors (rows × width) laid out on a plane: t-SNE (van der Maaten and Hinton, 2008) over 30 principal components.

    What lies close together there lies close together in the vectors; distances between groups say little.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    values = np.asarray(table, dtype=np.float32)
    count = len(values)
    if count < 4:
        return np.zeros((count, 2), dtype=np.float32)
    check()
    parts = PCA(n_components=min(30, count, values.shape[1]), random_state=seed).fit_transform(values)
    check()
    near = min(30.0, (count - 1) / 3)
    return TSNE(perplexity=near, init="pca", learning_rate="auto", random_state=seed, n_jobs=1).fit_transform(parts)
