"""Model's markdown to Slack's, purely: nothing in it is a live mention or a link, whatever the model wrote.

Slack reads a streamed text as markdown and does not document whether `<!channel>` is live in it. So what could notify
or link is not escaped, but broken by a word joiner, a character that is not seen: right for both readings. It goes word
by word, so that a text in parts comes out as the whole would. An address that people may copy becomes inline code
instead, without a joiner; and in code that the model wrote only mentions are broken.
"""

import re
from dataclasses import dataclass

JOINER = "\N{WORD JOINER}"
LONGEST_WORD = 400  # characters; a longer one goes out in parts
_WHITESPACE = re.compile(r"\s")
_SPACES = re.compile(r"(\s+)")
_COPIED = re.compile(  # what stands around an address (of mail, of the web, of a machine), and the address itself
    r"(?P<before>[(\"'«*_]*)(?P<tick>`?)(?P<address>[A-Za-z0-9](?:[\w.%+~:/?=&#@-]*[A-Za-z0-9/])?)(?P=tick)"
    r"(?P<after>[.,;:!?)\"'»*_…]*)",
    re.ASCII,
)
_FENCE = re.compile(r"(?P<mark>`{3,}|~{3,})[\w+-]*")  # the only word of its line

# Top-level domains that Slack may make links of without a scheme. No extension of a document is among them.
_DOMAINS = (
    "com|org|net|io|co|ai|dev|app|info|biz|xyz|site|online|shop|top|club|link|click|live|page|cloud|tech|store|zip|mov|"
    "edu|gov|mil|int|eu|fr|de|uk|es|it|nl|be|ch|at|pt|ie|se|no|dk|fi|ru|cn|jp|kr|in|br|us|ca|au|me|tv|cc|gg|ly|to|tk|"
    "ws|su|pw|icu|lol|host|work|sbs|support|cfd|bond|buzz|fun|space|website|world|today|life|news|blog|email|chat|wiki|"
    "agency|center|company|digital|group|help|network|services|solutions|team|tools|vip|win|bid|loan|men|date|download|"
    "racing|review|stream|trade|party|science|cricket|accountant|faith|webcam|quest|rest|monster|beauty|hair|skin|cyou|"
    "ml|ga|cf|gq|pl|cz|sk|hu|ro|bg|gr|hr|si|rs|ua|by|kz|tr|il|ae|sa|ir|pk|bd|lk|th|vn|id|my|sg|ph|tw|hk|mx|ar|cl|pe|"
    "ve|ec|uy|za|ng|ke|gh|eg|ma|tn|dz|nz|is|lu|li|mc|ee|lv|lt|mt|cy|ge|am|az|asia|goog|google|bank|law|pro|name|mobi"
)

# Each finds a place, not a text: there the joiner goes in.
_PLACES = re.compile(
    r"(?<=\])(?=[(\[:])"  # [label](target), [label][name], [name]: target
    r"|(?<=:)(?=/)"  # scheme://
    r"|(?<=<)(?=[@#!])|(?<=&lt;)(?=[@#!])"  # <@U1>, <#C1>, <!channel>
    r"|(?<=<)(?=[A-Za-z][A-Za-z0-9+.-]*:)"  # <mailto:a@b.c>
    r"|(?<=[\w.+%-])(?=@[\w-])"  # a@b.c
    r"|(?<=@)(?=(?:channel|here|everyone)\b)"
    r"|(?<=www)(?=\.)"
    rf"|(?<=[\w-])(?=\.(?:{_DOMAINS}|xn--\w+|[^\W\d_a-z]\w+)(?![^\W_]|-))"  # the last: letters of another alphabet
    r"|(?<=\d)(?=\.\d{1,3}(?:[:/]\S))",  # 203.0.113.7/login
    re.IGNORECASE,
)


_MENTIONS = re.compile(r"(?<=<)(?=[@#!])|(?<=&lt;)(?=[@#!])|(?<=@)(?=(?:channel|here|everyone)\b)", re.IGNORECASE)


def safe(markdown: str) -> str:
    """Return markdown in which nothing notifies anyone and nothing is a link or a picture."""
    return _PLACES.sub(JOINER, markdown)


def readable(markdown: str) -> str:
    """Return safe markdown in which addresses are inline code, and code is left as it is: people copy both."""
    return _Reader().read(markdown)


@dataclass
class _Reader:
    """Makes markdown readable word by word; what it was given before counts."""

    fence: str = ""  # the mark that opened the block of code we are in
    maybe: str = ""  # the mark of a line that opens or closes one if nothing else stands in it
    has_code: bool = False  # outside of blocks code has begun that we can't follow: a backtick of ours could end it
    indent: str = "\n"  # the whitespace since the last word

    def read(self, markdown: str) -> str:
        """Return what the next stretch of markdown becomes."""
        return "".join(self._space(part) if part.isspace() else self._word(part) for part in _SPACES.split(markdown))

    def _space(self, space: str) -> str:
        self.indent += space
        return space

    @property
    def _is_new_line(self) -> bool:
        return "\n" in self.indent and len(self.indent) - self.indent.rindex("\n") <= 4  # as Markdown counts

    def _word(self, word: str) -> str:
        if not word:
            return ""
        self._settle()
        found = _FENCE.fullmatch(word) if self._is_new_line and (self.fence or not self.has_code) else None
        self.indent = ""
        if found and (not self.fence or (word == found["mark"] and word.startswith(self.fence))):
            self.maybe = found["mark"]
            return word
        if self.fence:
            return _MENTIONS.sub(JOINER, word)
        return self._plain(word)

    def _settle(self) -> None:
        """Open or close a block of code, now that it is known whether its mark stood alone."""
        mark, self.maybe = self.maybe, ""
        if mark and "\n" not in self.indent and not self.fence:
            self.has_code = True
        elif mark and "\n" in self.indent:
            self.fence = "" if self.fence else mark

    def _plain(self, word: str) -> str:
        found = None if self.has_code else _COPIED.fullmatch(word)
        if found and (found["tick"] or safe(found["address"]) != found["address"]):
            return f"{found['before']}`{found['address']}`{found['after']}"
        self.has_code = self.has_code or "`" in word or "~~~" in word
        return safe(word)


class SafeStream:
    """Does to a text in parts what `readable` does to the whole: holds back a word until it is complete."""

    def __init__(self) -> None:
        self._held = ""
        self._reader = _Reader()

    def add(self, text: str) -> str:
        """Take the next part; return what can go out."""
        self._held += text
        last = max((found.end() for found in _WHITESPACE.finditer(self._held)), default=0)
        endless = len(self._held) - last > LONGEST_WORD
        if endless:
            last = _seam(self._held)
        out, self._held = self._held[:last], self._held[last:]
        words = self._reader.read(out) + JOINER * endless  # no rule sees both sides of the cut, so it is broken there
        self._reader.has_code |= endless and not self._reader.fence
        return words

    def rest(self) -> str:
        """Return what was held back."""
        out, self._held = self._held, ""
        return self._reader.read(out)


def _seam(text: str) -> int:
    """Return where a word without end may be cut: between two letters no rule looks at both sides."""
    for at in range(len(text) - 1, len(text) - LONGEST_WORD, -1):
        if text[at - 1].isalnum() and text[at].isalnum():
            return at
    return len(text)


def mrkdwn(markdown: str) -> str:
    """Return readable markdown in Slack's older notation, for `text`: escaped, with its bold and headings."""
    escaped = readable(markdown).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    quoted = re.sub(r"(?m)^(\s*)&gt; ?", r"\1> ", escaped)
    bold = re.sub(r"\*\*(\S(?:[^*\n]*\S)?)\*\*", r"*\1*", quoted)
    return re.sub(r"(?m)^#{1,6} +(.+?) *#*$", _heading, bold)


def _heading(found: re.Match[str]) -> str:
    return "*" + found[1].replace("*", "") + "*"


def escape(text: str) -> str:
    """Escape plain words, such as a file's name, for mrkdwn."""
    return safe(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoted(text: str) -> str:
    """Escape words of a document for mrkdwn; addresses in them can be copied."""
    return readable(" ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(label: str, url: str) -> str:
    """Return a markdown link of our own making; only the label if the address is not a plain web address."""
    words = re.sub(r"([\\\[\]*`~<])", r"\\\1", safe(label.replace("\n", " ")))
    return f"[{words}]({url})" if is_address(url) else words


def mrkdwn_link(label: str, url: str) -> str:
    """Return the same in mrkdwn."""
    words = escape(label.replace("\n", " ")).replace("|", "\N{BROKEN BAR}")
    return f"<{url}|{words}>" if is_address(url) else words


def is_address(url: str) -> bool:
    """Tell whether this is a web address that can't end a link early."""
    return re.fullmatch(r"https?://[^\s<>()\[\]|\"\\]+", url) is not None


def split(text: str, room: int) -> tuple[str, str]:
    """Cut markdown into what fits in `room` UTF-8 bytes and the rest, between paragraphs, lines or words.

    A fenced block that is cut is closed and opened again.
    """
    if len(text.encode()) <= room:
        return text, ""
    fits = text.encode()[:room].decode(errors="ignore")
    for border, least in (("\n\n", len(fits) // 2), ("\n", len(fits) // 2), (" ", 0)):
        at = fits.rfind(border)
        if at > least:
            return text[: at + len(border)], text[at + len(border) :]
    return fits, text[len(fits) :]


def open_fence(text: str) -> str:
    """Return the line that opened the fenced block which the text ends in; "" outside of one."""
    fence, mark = "", ""
    for line in text.splitlines():
        found = re.match(r" {0,3}(`{3,}|~{3,})(.*)", line)
        if not found:
            continue
        if not fence:
            fence, mark = line.strip(), found[1]
        elif found[1].startswith(mark) and not found[2].strip():
            fence = ""
    return fence


def closing(fence: str) -> str:
    """Return the line that closes a fenced block."""
    return fence[: len(fence) - len(fence.lstrip(fence[0]))]
