"""`studio artifacts …`."""

import typer

from studio.cli.shared import LOCAL, ArtifactId, AsJson, opened
from studio.terminal import show

app = typer.Typer(no_args_is_help=True, help="List and delete what jobs have made.")


@app.command("list")
def artifacts_list(as_json: AsJson = False) -> None:
    """List what jobs have made."""
    with opened() as studio:
        found = [artifact.manifest for artifact in studio.artifacts(LOCAL)]
    if as_json:
        show([manifest.model_dump(mode="json") for manifest in found])
    for manifest in found if not as_json else ():
        figures = "  ".join(f"{name} {value:.3f}" for name, value in manifest.metrics.items())
        print(f"{manifest.id}\t{manifest.kind}\t{manifest.title}\t{figures}")


@app.command("delete")
def artifacts_delete(artifact: ArtifactId) -> None:
    """Delete a result with its card; what was published stays on the Hub."""
    with opened() as studio:
        studio.delete_artifact(LOCAL, artifact.removeprefix("artifact:"))
