"""The front-end extension that warns: found by the servers that the gallery starts."""

import json
from hashlib import sha256
from pathlib import Path

from tests.zapp_gallery.test_jupyter import SCRIPT, run

DATA = SCRIPT.parent / "jupyter-data"
EXTENSION = DATA / "labextensions" / "zoe-warning"


def test_servers_find_it_and_tell_the_hub_every_minute(tmp_path: Path) -> None:
    said = run(tmp_path, "$JUPYTER_PATH $JUPYTERHUB_ACTIVITY_INTERVAL", JUPYTER_PATH="/site")
    assert said.stdout.split() == [f"{DATA}:/site", "60"]
    said = run(tmp_path, "$JUPYTERHUB_ACTIVITY_INTERVAL", JUPYTERHUB_ACTIVITY_INTERVAL="5")
    assert said.stdout.split() == ["5"]


def test_a_browser_never_takes_an_old_one_for_the_new_one() -> None:
    """Its name says what is in it: rename it, here and in package.json, when it changes."""
    [program] = (EXTENSION / "static").iterdir()
    package = json.loads((EXTENSION / "package.json").read_text())
    assert program.name == f"remoteEntry.{sha256(program.read_bytes()).hexdigest()[:16]}.js"
    assert package["jupyterlab"]["_build"]["load"] == f"static/{program.name}"
    assert package["name"] == EXTENSION.name
