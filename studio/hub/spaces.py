"""What the studio can do because it runs as a Space."""

import os

from studio.core.settings import Settings


def oauth_available(settings: Settings) -> bool:
    """Whether visitors can sign in with their Hub account: the Space has `hf_oauth: true` in its README."""
    return settings.on_space and bool(os.environ.get("OAUTH_CLIENT_ID"))
