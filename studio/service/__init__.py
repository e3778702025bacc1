"""Studio: the verbs. Pages, CLI and REST call these and nothing below them.

Every verb takes the caller and checks what they may see. What a verb does stands in the layer that it belongs to.
"""

from studio.hub.models import ModelFilters
from studio.inference.client import Prediction
from studio.inference.facts import ModelFacts
from studio.service.checks import Checks
from studio.service.exploring import Exploring
from studio.service.jobs import Wishes
from studio.service.kit import Kit
from studio.service.making import Making
from studio.service.mending import Mending
from studio.service.opening import Opening
from studio.service.playground import Compared, Playground
from studio.service.results import Results
from studio.service.runs import Runs
from studio.service.searching import Searching

__all__ = ["Compared", "ModelFacts", "ModelFilters", "Prediction", "Studio", "Wishes"]


class Studio(Checks, Opening, Making, Exploring, Searching, Mending, Runs, Playground, Results, Kit):
    """One installation: the store, the scheduler, the inference worker and the Hub behind one set of verbs."""
