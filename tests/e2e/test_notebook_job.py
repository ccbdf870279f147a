"""A notebook as a job, from the launch form to the executed copy, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import collect_errors, keep_screenshot

pytestmark = pytest.mark.browser

FORM = "/services/zoe/zapps/notebook-job"
VARIABLES = "Variables of the notebook"
OPEN = re.compile("^Open the executed notebook")


def test_the_form_takes_variables_and_says_what_is_wrong(page: Page) -> None:
    errors = collect_errors(page)
    page.goto(FORM)
    variables = page.get_by_label(VARIABLES)
    when = page.locator("#estimate-when")
    expect(when).to_have_text("Starts now.")
    variables.fill("samples")
    expect(when).to_contain_text("Variables of the notebook has the line 'samples'")
    variables.fill("samples = 250000")
    expect(when).to_have_text("Starts now.")
    keep_screenshot(page, "notebook-job-form")

    variables.fill("samples = 250000\na b = 1")
    page.get_by_role("button", name="Launch").click()
    expect(page.locator(".invalid-feedback:visible", has_text="'a b'")).to_be_visible()
    expect(page.get_by_label(VARIABLES)).to_have_value("samples = 250000\na b = 1")
    keep_screenshot(page, "notebook-job-refused")
    assert [each for each in errors if "422" not in each] == []


def test_the_executed_copy_opens_in_her_jupyterlab_which_starts_for_it(page: Page) -> None:
    page.goto(FORM)
    page.get_by_label(VARIABLES).fill("samples = 250000")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/services/zoe/executions/\d+$"))
    result = page.get_by_role("link", name=OPEN)
    expect(result).to_be_visible()
    expect(page.get_by_text("after 250000 darts")).to_be_visible()
    expect(page.get_by_role("link", name="Launch again")).to_be_visible()
    keep_screenshot(page, "notebook-job-ended")

    page.get_by_role("link", name="Launch again").click()
    expect(page.get_by_label(VARIABLES)).to_have_value("samples = 250000")
    page.go_back()
    with page.expect_popup() as opened:
        result.click()
    lab = opened.value
    lab.wait_for_url("**/user/admin/lab/tree/runs/zoe-example-*.ipynb")
    expect(lab.get_by_text("after 250000 darts")).to_be_visible()
    expect(lab.locator(".jp-RenderedImage img").first).to_be_visible()
    keep_screenshot(lab, "notebook-job-executed", phone=False)
