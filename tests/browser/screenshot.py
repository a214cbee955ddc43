"""Draws the README's picture: `python -m tests.browser.screenshot http://127.0.0.1:4100/` while deploy/try runs."""

import asyncio
import sys
from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests.browser.conftest import CHROMIUM

ROOT = Path(__file__).parent.parent.parent
QUESTION = "How many days of paid leave do full-time employees get?"
ANSWER_SECONDS = 240


async def main(url: str, question: str = QUESTION) -> None:
    """As alice: share the handbook, ask, and photograph the answer."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=1.5, locale="en-US")
        await page.goto(url)
        await page.set_input_files("#main input[type=file]", [ROOT / "deploy" / "examples" / "handbook.pdf"])
        await page.locator("#main textarea").fill("Our handbook, for everyone")
        await page.keyboard.press("Enter")
        expect.set_options(timeout=ANSWER_SECONDS * 1000)
        await expect(page.locator("#replies")).to_contain_text("passages")
        await page.locator("#close").click()
        await page.locator("#main textarea").fill(f"/ask {question}")
        await page.keyboard.press("Enter")
        await expect(page.locator("#replies .context").first).to_contain_text("handbook.pdf")
        await expect(page.locator("#replies .streaming")).to_have_count(0)
        await page.wait_for_timeout(500)
        await page.screenshot(path=ROOT / "deploy" / "screenshot.png")
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
