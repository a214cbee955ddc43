"""The page as people use it: in a real browser, with a real app behind it."""

import time

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.slack.modals import reason_modal, settings_modal
from handlers.request import ChannelWishes
from tests.bot.conftest import eventually
from tests.browser.conftest import BUTTON, EVIL, App

PDF = {"name": "handbook.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 hello"}
DROP = """([selector, name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  const options = { dataTransfer: data, bubbles: true, cancelable: true };
  for (const kind of ["dragover", "drop"]) document.querySelector(selector).dispatchEvent(new DragEvent(kind, options));
}"""


async def write(page: Page, text: str) -> None:
    """Write in the conversation and send it with the keyboard."""
    await page.locator("#main textarea").fill(text)
    await page.keyboard.press("Enter")


async def ask(page: Page, app: App) -> None:
    """Mention the app and let it answer."""
    await write(page, "@folio How many days of paid leave do we get?")
    await expect(page.locator("#log .status")).to_contain_text("Folio is thinking…")
    app.go_on.set()


async def test_an_answer_streams_into_the_thread(page: Page, app: App) -> None:
    await ask(page, app)
    thread = page.locator("#replies")
    await expect(thread.locator(".streaming")).to_contain_text("Paid leave")
    await expect(thread.get_by_role("button", name="Stop")).to_be_visible()
    app.go_on.set()
    await expect(thread.locator("table tr")).to_have_count(3)
    await expect(thread.locator("strong", has_text="27 days")).to_be_visible()
    await expect(thread.locator("ol ul li code")).to_have_text("two weeks")
    await expect(thread.get_by_role("link", name="[1] handbook.pdf, p. 2")).to_be_visible()
    await expect(thread.locator(".streaming")).to_have_count(0)
    await expect(page.locator("#log .status")).to_have_text("")
    await thread.get_by_role("button", name="Bad").click()
    await expect(thread.get_by_role("button", name="Bad")).to_have_attribute("aria-pressed", "true")
    await eventually(lambda: bool(app.pressed))
    assert app.pressed[0]["value"] == "bad:1"


async def test_a_command_is_suggested_and_its_answer_is_private(page: Page, app: App, sandbox: Sandbox) -> None:
    await page.locator("#main textarea").press_sequentially("/do")
    await expect(page.locator(".suggestions [role=option]")).to_contain_text("/docs")
    await page.keyboard.press("Tab")
    await page.keyboard.type("all")
    await page.keyboard.press("Enter")
    private = page.locator(".ephemeral")
    await expect(private).to_contain_text("Only you can see this")
    await expect(private).to_contain_text("handbook.pdf all")
    await private.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="No").click()
    assert not app.pressed
    await private.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Yes").click()
    await eventually(lambda: bool(app.pressed))
    assert [pressed["value"] for pressed in app.pressed] == ["handbook"]
    await expect(private.get_by_role("button", name="Remove")).to_be_enabled()


async def test_files_come_by_button_and_by_drag_and_drop(page: Page, sandbox: Sandbox) -> None:
    await page.set_input_files("#main input[type=file]", [PDF])
    await write(page, "the handbook")
    await expect(page.locator(".message", has_text="the handbook").locator(".file")).to_contain_text("handbook.pdf")
    await page.evaluate(DROP, ["#main", "notes.txt", "some notes"])
    await expect(page.locator(".composer .chip")).to_contain_text("notes.txt")
    await page.locator("#main textarea").press("Enter")
    await expect(page.locator(".file", has_text="notes.txt")).to_be_visible()


async def test_people_see_what_they_may_and_each_other_live(page: Page, sandbox: Sandbox) -> None:
    places = page.locator("#places")
    await expect(places.get_by_role("button", name="finance")).to_be_visible()
    bob = AsyncWebClient("xoxp-bob", base_url=sandbox.api_url)
    channels = (await bob.conversations_list())["channels"]
    await bob.chat_postMessage(channel=channels[0]["id"], text="hello *everyone* <@U0CAROL000>")
    await expect(page.locator(".message", has_text="hello everyone @carol")).to_be_visible()
    await page.select_option("#person", "guest")
    await expect(places.get_by_role("button", name="finance")).to_have_count(0)
    await expect(places.get_by_role("button", name="open-house")).to_be_visible()


async def test_a_message_is_answered_edited_and_deleted(page: Page, sandbox: Sandbox) -> None:
    await write(page, "one & <two>")
    message = page.locator("#log .message")
    await expect(message).to_contain_text("one & <two>")
    await message.hover()
    await message.get_by_role("button", name="Edit").click()
    await page.locator("#main textarea").fill("three")
    await page.keyboard.press("Enter")
    await expect(message).to_contain_text("three")
    await message.hover()
    await message.get_by_role("button", name="Reply in thread").click()
    await page.locator("#thread textarea").fill("a reply")
    await page.keyboard.press("Enter")
    await expect(page.locator("#log .thread-line")).to_contain_text("1 reply")
    await page.keyboard.press("Escape")
    await expect(page.locator("#thread")).to_be_hidden()
    await message.hover()
    await message.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Yes").click()
    await expect(page.locator("#log .note")).to_contain_text("This message was deleted.")


@pytest.mark.parametrize("kind", ["text", "mrkdwn", "markdown", "stream", "file", "button"])
async def test_nothing_that_is_written_becomes_markup(page: Page, sandbox: Sandbox, kind: str) -> None:
    """Text, names, links and addresses stay what they are, wherever they come from."""
    alice = AsyncWebClient("xoxp-alice", base_url=sandbox.api_url)
    folio = AsyncWebClient("xoxb-sandbox", base_url=sandbox.api_url)
    general = (await alice.conversations_list())["channels"][0]["id"]
    link = "[x](javascript:window.hurt=1) <javascript:window.hurt=1|y>"
    plain = {"type": "plain_text", "text": EVIL[:75]}
    if kind == "text":
        await alice.chat_postMessage(channel=general, text=f"marked {EVIL} {link}")
    elif kind == "file":
        await alice.files_upload_v2(
            channel=general, content="x", filename=EVIL.replace("/", ""), initial_comment="marked"
        )
    elif kind == "stream":
        ts = (await alice.chat_postMessage(channel=general, text="marked"))["ts"]
        await folio.chat_startStream(
            channel=general,
            thread_ts=ts,
            recipient_user_id="U0ALICE000",
            recipient_team_id="T0SANDBOX1",
            chunks=[
                {"type": "task_update", "id": "1", "title": EVIL, "status": "error"},
                {
                    "type": "markdown_text",
                    "text": f"{EVIL} {link} ![p](javascript:x)\n\n| {EVIL} |\n| --- |\n| {link} |",
                },
            ],
        )
        await page.locator("#log .thread-line").click()
        await expect(page.locator("#replies .message")).to_have_count(2)
    else:
        blocks = {
            "mrkdwn": {"type": "section", "text": {"type": "mrkdwn", "text": f"marked {EVIL} {link}"}},
            "markdown": {"type": "markdown", "text": f"marked {EVIL} {link}\n```\n{EVIL}\n```"},
            "button": {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "marked"},
                "accessory": {"type": "button", "text": plain, "action_id": "a"},
            },
        }
        await folio.chat_postMessage(channel=general, text="x", blocks=[blocks[kind]])
    await expect(page.locator("#log .message", has_text="marked")).to_be_visible()
    assert await page.evaluate("window.hurt") is None
    assert await page.locator("a[href^='javascript']").count() == 0
    assert await page.locator(".content script, .content img, .file script, .file img").count() == 0


async def test_an_address_of_a_message_opens_its_thread(page: Page, sandbox: Sandbox) -> None:
    alice = AsyncWebClient("xoxp-alice", base_url=sandbox.api_url)
    team = next(c["id"] for c in (await alice.conversations_list())["channels"] if c["name"] == "team")
    root = (await alice.chat_postMessage(channel=team, text="the root"))["ts"]
    reply = (await alice.chat_postMessage(channel=team, text="the reply", thread_ts=root))["ts"]
    await page.goto((await alice.chat_getPermalink(channel=team, message_ts=reply))["permalink"])
    await expect(page.locator("#replies .message").last).to_contain_text("the reply")


async def test_whoever_has_scrolled_up_is_left_there(page: Page, sandbox: Sandbox) -> None:
    bob = AsyncWebClient("xoxp-bob", base_url=sandbox.api_url)
    general = (await bob.conversations_list())["channels"][0]["id"]
    for n in range(30):
        await bob.chat_postMessage(channel=general, text=f"message {n}")
    await expect(page.locator("#log .message").last).to_be_in_viewport()
    await page.locator("#log .message").first.scroll_into_view_if_needed()
    await bob.chat_postMessage(channel=general, text="the last one")
    await expect(page.locator("#log .message")).to_have_count(31)
    await expect(page.locator("#log .message").first).to_be_in_viewport()
    await write(page, "my own words")
    await expect(page.locator("#log .message").last).to_be_in_viewport()
    await expect(page.locator("#log .message").last).to_contain_text("my own words")


async def test_in_a_narrow_window_the_places_come_when_they_are_called(page: Page) -> None:
    await page.set_viewport_size({"width": 400, "height": 700})
    team = page.locator("#places").get_by_role("button", name="team")
    await expect(team).to_be_hidden()
    await page.get_by_role("button", name="Channels and direct messages").click()
    await team.click()
    await expect(page.get_by_role("heading", name="team")).to_be_visible()
    await expect(team).to_be_hidden()


async def test_it_speaks_french(page: Page, sandbox: Sandbox) -> None:
    browser = page.context.browser
    assert browser
    french = await browser.new_page(locale="fr-FR")
    await french.goto(f"{sandbox.url}/?as=carol")
    await expect(french.locator("#places")).to_contain_text("Messages directs")
    await expect(french.locator("#person")).to_have_value("carol")


async def test_the_first_view_says_what_it_is_and_offers_a_sample(page: Page, app: App) -> None:
    card = page.locator(".welcome")
    await expect(card).to_contain_text("play workspace on your own machine")
    await card.get_by_role("button", name="Share the sample handbook").click()
    await expect(page.locator("#log")).to_contain_text("handbook.pdf")
    await card.get_by_role("button", name="How many days of paid leave").click()
    await expect(page.locator("#log")).to_contain_text("handbook.pdf How many days of paid leave")
    await page.locator("#places").get_by_role("button", name="team").click()
    await expect(card).to_have_count(0)


async def test_home_and_modals_can_be_used(page: Page, app: App, sandbox: Sandbox) -> None:
    """A button of Home reaches the app; what is chosen in a modal, too, and Cancel chooses nothing."""
    alice = "U0ALICE000"
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "Your documents"}, "accessory": BUTTON}
    await app.bolt.client.views_publish(user_id=alice, view={"type": "home", "blocks": [section]})
    await page.locator("#side").get_by_text("Folio").first.click()
    await page.locator("#home").click()
    await page.locator("dialog.home").get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Yes").click()
    await eventually(lambda: bool(app.pressed))
    await page.locator("dialog.home").get_by_role("button", name="×").click()
    for view, wanted in ((settings_modal("C1", ChannelWishes(), "en"), "Every question"),
                         (reason_modal("1", "en"), "It is there, but was not found")):  # fmt: skip
        for how in ("Cancel", "Save"):
            sandbox.workspace.triggers["t"] = (alice, time.monotonic() + 3)
            await app.bolt.client.views_open(trigger_id="t", view=view)
            modal = page.locator("dialog.modal")
            if view["callback_id"] == "settings":
                await modal.locator("select[name=listens]").select_option(label=wanted)
            else:
                await modal.get_by_label(wanted).check()
            await modal.get_by_role("button", name=how).click()
    await eventually(lambda: len(app.chosen) == 2)
    assert app.chosen == [
        {"listens": "questions", "documents": "on", "receipts": "on", "language": "own"}, {"reason": "not_found"},
    ]  # fmt: skip
