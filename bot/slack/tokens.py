"""Slack's tokens are known by how they begin, before the network is asked."""

KINDS = {  # the beginning of a token, and whose it is
    "xoxb-": "the bot's",
    "xoxe.xoxb-": "the bot's",
    "xapp-": "the app's",
    "xoxp-": "a person's",
    "xoxe.xoxp-": "a person's",
    "xoxc-": "a browser's",
    "xoxs-": "a person's",
    "xoxe-": "a configuration's",
    "xoxa-": "an old workspace app's",
}
WISHED = {"SLACK_BOT_TOKEN": ("the bot's", "xoxb-"), "SLACK_APP_TOKEN": ("the app's", "xapp-")}


def wrong_token(name: str, token: str) -> str:
    """Return why this can't be the token that the setting wants, without showing it; "" where it can."""
    whose, beginning = WISHED[name]
    kind = next((kind for start, kind in KINDS.items() if token.startswith(start)), "")
    if kind == whose:
        return ""
    other = next((other for other, (theirs, _) in WISHED.items() if theirs == kind), "")
    if other:
        return f"{name} holds {kind} token, which belongs into {other}; {whose} begins with {beginning}"
    return f"{name} holds {kind or 'no'} token{'' if kind else ' of Slack'}; {whose} begins with {beginning}"
