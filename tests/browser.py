"""Chromium, without a window and without a network: what the tests of reports look at pages with."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install Debian's package chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []  # which root has to do without
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page, and all that must not happen in it: requests to a network, errors, messages of the console."""

    def __init__(self, context: BrowserContext):
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self._note(message.type, message.text))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.errors.append(text)

    def check(self) -> None:
        """Fail if the page asked for more than itself, or if anything went wrong in it."""
        asked = [url for url in self.requests if not url.startswith(("file:", "blob:", "data:"))]
        assert not asked and not self.errors, (asked, self.errors)


@contextmanager
def opened(browser: Browser, url: str, **settings: object) -> Iterator[Watched]:
    """A page of the browser at an address; checked at the end. Settings are those of Playwright's contexts."""
    context = browser.new_context(**settings)
    context.set_offline(True)
    try:
        watched = Watched(context)
        watched.page.goto(url)
        yield watched
        watched.check()
    finally:
        context.close()
