"""READMEs as safe HTML."""

from html.parser import HTMLParser

import pytest

from zoe_hub.portal.presenters.readme import first_sentence, to_html


class Tags(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def test_the_title_is_left_out_and_other_headings_stay_below_it() -> None:
    html = to_html("# Spark\n\nText.\n\n# More\n\n## Deep\n")
    assert html == "<p>Text.</p>\n<h2>More</h2>\n<h2>Deep</h2>\n"


def test_tables_and_code_are_kept() -> None:
    html = to_html("| a | b |\n|---|---|\n| 1 | `x<y` |\n")
    assert "<td>1</td>" in html
    assert "<code>x&lt;y</code>" in html


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "[click](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://example.org/track.png)",
        "<a href='#' onclick='alert(1)'>x</a>",
        "[x](https://example.org \"a' onmouseover='alert(1)\")",
    ],
)
def test_nothing_that_runs_or_loads_gets_through(markdown: str) -> None:
    seen = Tags()
    seen.feed(to_html(markdown))
    assert not seen.tags & {"script", "img"}
    for name, value in seen.attributes:
        assert not name.startswith("on")
        assert name != "href" or (value or "").startswith("https:")


def test_links_leave_no_trace_of_where_they_were_followed() -> None:
    assert 'rel="noopener noreferrer"' in to_html("[guide](https://spark.apache.org)")


@pytest.mark.parametrize(
    ("markdown", "sentence"),
    [
        ("# Title\n\nRuns **Spark** with `pyspark`. And more.", "Runs Spark with pyspark."),
        ("One line\nand another! Then more.", "One line and another!"),
        ("Spark 4.3 in a [box](https://example.org)", "Spark 4.3 in a box"),
        ("# Only a title", ""),
        ("", ""),
    ],
)
def test_first_sentence(markdown: str, sentence: str) -> None:
    assert first_sentence(markdown) == sentence
