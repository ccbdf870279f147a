"""Says at the beginning of a run of the chaos what would repeat it."""

from tests.faults.chaos.scale import SCALE


def pytest_report_header() -> str:
    """Called when this directory is given on the command line."""
    return str(SCALE)
