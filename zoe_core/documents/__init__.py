"""Reading documents that people write: strict JSON, and what is wrong in them, in their words."""

from zoe_core.documents.json_text import JsonProblemError, read_json
from zoe_core.documents.problems import Problem, Steps, path, show

__all__ = ["JsonProblemError", "Problem", "Steps", "path", "read_json", "show"]
