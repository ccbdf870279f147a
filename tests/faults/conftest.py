"""The site's assertions are told as those of a test."""

import pytest

pytest.register_assert_rewrite("tests.faults.site")
