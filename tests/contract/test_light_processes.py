"""The web process never loads torch; a runner never loads gradio."""

import os
import subprocess
import sys
from pathlib import Path

HEAVY = "('torch', 'transformers', 'diffusers', 'datasets', 'peft', 'sklearn', 'trackio')"


def loaded(code: str, home: Path) -> str:
    environment = {**os.environ, "STUDIO_HOME": str(home), "STUDIO_OFFLINE": "true", "STUDIO_ZYGOTE": "false"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_building_the_app_imports_no_torch(tmp_path: Path) -> None:
    code = f"""
import sys
from studio.app import create_app
from studio.core.settings import Settings
from studio.service import Studio
studio = Studio(Settings())
create_app(studio)
print([name for name in {HEAVY} if name in sys.modules])
studio.close()
"""
    assert loaded(code, tmp_path) == "[]"


def test_checking_a_training_form_imports_no_torch(tmp_path: Path) -> None:
    code = f"""
import sys
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.service import Studio
studio = Studio(Settings())
problems = studio.validate(Caller("local", admin=True), "text-classification", {{"dataset": "kit:debian-topics"}})
print(problems, [name for name in {HEAVY} if name in sys.modules])
studio.close()
"""
    assert loaded(code, tmp_path) == "[] []"


def test_a_runner_imports_no_gradio(tmp_path: Path) -> None:
    code = """
import sys
import studio.recipes.runner
from studio.recipes import RECIPES
list(RECIPES.values())
import studio.jobs.zygote
import torch, transformers, peft, datasets, trackio
from transformers import Trainer
print([name for name in ("gradio", "fastapi", "studio.service") if name in sys.modules])
"""
    assert loaded(code, tmp_path) == "[]"
