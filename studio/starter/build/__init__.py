"""What made the starter kit: one script per entry, run by hand, never by the studio.

`python -m studio.starter.build.NAME --out assets/kit` writes the entry's folder and its line in the manifest.
Needs the package indexes (pip, apt) and nothing else; the same seed and the same sources give the same kit.
"""
