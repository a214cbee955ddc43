"""A Slack workspace on localhost: Web API, Socket Mode, files, and a page to talk in."""

from bot.sandbox.server import Sandbox, serve

__all__ = ["Sandbox", "serve"]
