"""What Spaces and `make run` start: settings → Studio → pages."""

from studio.app import launch
from studio.core.settings import Settings
from studio.service import Studio

if __name__ == "__main__":
    launch(Studio(Settings()))
