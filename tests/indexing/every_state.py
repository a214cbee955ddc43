"""A world in which anything may happen between two steps of two libraries over one index, and what must hold in it.

Every call of the index waits for its turn; hypothesis says whose turn it is, starts new work in between and kills a
library with all that it is doing. A killed library's work is begun again by the new one, as the queue does it.
"""

import asyncio
import contextvars
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from indexing import ingest as ingest_module
from indexing.audience import Audience
from indexing.document import Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder
from indexing.gone import TakenBack
from indexing.library import Library, content_id
from indexing.reading.pool import DocumentFacts, ReadingLimits, ReadPage
from indexing.vector_store import Payload, Point, VectorIndex, Where
from tests.indexing.conftest import WordEncoder

CHANNELS, USERS, NAMES, CONTENTS = ("C1", "C2"), ("U1", "U2"), ("a.txt", "b.txt"), 3
PAGES = 2
STUCK_SECONDS = 60.0  # without its next call: it waits for what nobody gives; nothing waits for a lock of another job
LONGEST_WORK = 400  # turns that are given until everything has ended: more means that something goes round in circles
RUNS_TOGETHER = 10  # on one index
RUNS = itertools.count()
OPEN: dict[str, VectorIndex] = {}
NOW: contextvars.ContextVar["Job"] = contextvars.ContextVar("job")


class Killed(BaseException):
    """The process is dead: nothing of it runs any more, no cleaning up either."""


@dataclass
class Process:
    """What lives and dies as one."""

    library: Library
    is_dead: bool = False


@dataclass(eq=False)
class Job:
    """One piece of work of one process, standing before its next call of the index."""

    process: Process
    what: str
    turn: asyncio.Future[None] | None = None
    task: asyncio.Task[Any] | None = None
    started: int = 0
    share: Share | None = None  # an add
    matches: Callable[[Share], bool] | None = None  # a removal
    until: float = 0
    surely: "list[Expected]" = field(default_factory=list)  # what it removes, whatever happens beside


class Turns:
    """An index whose calls wait, and touch one point at a time."""

    def __init__(self, index: VectorIndex, moved: asyncio.Event) -> None:
        self._index = index
        self._moved = moved

    async def _turn(self) -> None:
        job = NOW.get(None)
        if job is None:
            return  # whoever looks on does not wait
        if not job.process.is_dead:
            job.turn = asyncio.get_running_loop().create_future()
            self._moved.set()
            await job.turn
        if job.process.is_dead:
            raise Killed

    async def put(self, points: Sequence[Point]) -> None:
        for point in points:
            await self._turn()
            await self._index.put([point])

    async def _payloads(self, where: Where) -> list[str]:
        await self._turn()
        return sorted([point.id async for points in self._index.stream(where) for point in points])

    async def change_where(self, where: Where, fields: Payload) -> None:
        for point_id in await self._payloads(where):
            await self._turn()
            await self._index.change([point_id], fields)

    async def remove_where(self, where: Where) -> None:
        for point_id in await self._payloads(where):
            await self._turn()
            await self._index.remove([point_id])

    async def aclose(self) -> None:
        return

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._index, name)
        if name == "stream":
            return call

        async def waiting(*arguments: Any, **more: Any) -> Any:
            await self._turn()
            return await call(*arguments, **more)

        return waiting


class InlineEdge(EdgeIndex):
    """Qdrant's engine without a thread: who waits for whom is decided here."""

    async def _run(self, call: Callable[[], Any]) -> Any:
        return call()


class InlineEmbedder(Embedder):
    """Vectors at once."""

    async def _in_thread(self, call: Callable[[], Any]) -> Any:
        return call()


@dataclass
class InlineReading:
    """A text read in this process: the readers' own processes are tested elsewhere, and take half a second."""

    path: Path
    kind: str
    limits: ReadingLimits
    about: DocumentFacts = field(default_factory=lambda: DocumentFacts(PAGES, "", ()))

    async def start(self) -> None:
        return

    async def pages(self) -> AsyncIterator[ReadPage]:
        for number, text in enumerate(self.path.read_text().split("\f"), 1):
            yield ReadPage(number, text, "text")

    def seconds_left(self) -> float:
        return 1.0

    async def stop(self) -> None:
        return


@dataclass
class Hidden:
    """What the gateway noted: shares of these files are gone."""

    files: set[str] = field(default_factory=set)

    async def among(self, shares: Collection[Share]) -> frozenset[Share]:
        return frozenset(share for share in shares if share.file_id in self.files)

    async def forget_person(self, user: str) -> None:
        raise NotImplementedError(user)  # people are forgotten by what they shared


@dataclass(eq=False)
class Expected:
    """What Slack knows of one share."""

    share: Share
    content: int
    is_added: bool = False  # the library said so
    may_be_gone: bool = False
    must_be_gone: bool = False
    again: "Job | None" = None  # its adding after a kill: a removal beside may come before or after
    is_told: bool = False  # its removal has returned, or the gateway noted it: nobody may see it from now on


class EveryState(RuleBasedStateMachine):
    """Two libraries over one index; see the rules."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="states-"))
        self.numbers, self.tokens = itertools.count(1), itertools.count(1)
        self.clock = itertools.count(1)
        self.shares: list[Expected] = []
        self.jobs: list[Job] = []
        self.hidden = Hidden()
        self.moved = asyncio.Event()
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(ingest_module, "OpenDocument", InlineReading)
        self.patches.setattr(ingest_module, "language_of", lambda _text: "en")  # 30 ms each
        self.patches.setattr("secrets.token_hex", lambda _bytes: f"{next(self.tokens):016x}")  # a run can be repeated

    async def open_index(self) -> VectorIndex:
        """Return an empty index: one for some runs, since making one takes long, and removed points stay."""
        if next(RUNS) % RUNS_TOGETHER == 0:
            OPEN["edge"] = await InlineEdge.open(Path(tempfile.mkdtemp(prefix="states-")) / "index", 64)
        return OPEN["edge"]

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        self.index = await self.open_index()
        await self.index.remove_where({})
        self.embedder = InlineEmbedder(WordEncoder)
        await self.embedder.start()
        for content in range(CONTENTS):
            pages = [
                f"Rule number {content} of page {page}: lanterns{content} are lit." for page in range(1, PAGES + 1)
            ]
            (self.folder / f"{content}.txt").write_text("\f".join(pages))
        self.ids = [content_id(self.folder / f"{content}.txt") for content in range(CONTENTS)]
        self.processes = [self._process(), self._process()]
        self.onlooker = Library(self.index, self.embedder, ReadingLimits(), gone=self.hidden)

    def _process(self) -> Process:
        library = Library(Turns(self.index, self.moved), self.embedder, ReadingLimits(), gone=self.hidden)  # type: ignore[arg-type]
        return Process(library)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    # What people, Slack and the operating system do.

    @rule(who=st.integers(0, 1), content=st.integers(0, CONTENTS - 1), channel=st.sampled_from(CHANNELS),
          user=st.sampled_from(USERS), name=st.sampled_from(NAMES))  # fmt: skip
    def share(self, who: int, content: int, channel: str, user: str, name: str) -> None:
        number = next(self.numbers)
        share = Share(channel=channel, file_id=f"F{number}", user=user, ts=f"{number}.0", permalink="", name=name)
        self.shares.append(Expected(share, content))
        self._add(self.processes[who], self.shares[-1])

    def _add(self, process: Process, expected: Expected, *, again: bool = False) -> None:
        path = self.folder / f"{expected.content}.txt"
        job = Job(process, f"add {expected.share.file_id}", share=expected.share)
        expected.again = job if again else None

        async def add() -> None:
            try:
                await process.library.add(path, expected.share)
                expected.is_added = True
            except TakenBack:
                pass

        self._start(job, add())

    @precondition(lambda self: self.shares)
    @rule(who=st.integers(0, 1), which=st.integers(0, 99))
    def delete_file(self, who: int, which: int) -> None:
        """Slack says that a file is gone: the gateway notes it at once, a worker tidies later."""
        file_id = self.shares[which % len(self.shares)].share.file_id
        self.hidden.files.add(file_id)
        for expected in self.shares:
            if expected.share.file_id == file_id:
                expected.must_be_gone = expected.is_told = True
        self._remove(self.processes[who], f"delete {file_id}", file_id=file_id)

    @precondition(lambda self: self.shares)
    @rule(who=st.integers(0, 1), which=st.integers(0, 99))
    def unshare(self, who: int, which: int) -> None:
        """Somebody takes a message's file out of one conversation."""
        share = self.shares[which % len(self.shares)].share
        self._remove(self.processes[who], f"unshare {share.file_id}", file_id=share.file_id, channel=share.channel)

    @rule(who=st.integers(0, 1), user=st.sampled_from(USERS))
    def forget_person(self, who: int, user: str) -> None:
        self._remove(self.processes[who], f"forget {user}", user=user)

    @rule(who=st.integers(0, 1), channel=st.sampled_from(CHANNELS))
    def forget_channel(self, who: int, channel: str) -> None:
        self._remove(self.processes[who], f"leave {channel}", channel=channel)

    def _remove(self, process: Process, what: str, until: float = 0, **fields: str) -> None:
        """Begin a removal of what was shared until now, or until it was first begun."""
        until = until or float(len(self.shares))

        def matches(share: Share) -> bool:
            return float(share.ts) <= until and all(getattr(share, name) == value for name, value in fields.items())

        known = self.run(self._recorded())
        concerned = [expected for expected in self.shares if matches(expected.share)]
        surely = [each for each in concerned if each.share in known and each.again not in self.jobs]
        for expected in concerned:
            expected.must_be_gone |= expected in surely
            expected.may_be_gone = True

        job = Job(process, what, matches=matches, surely=surely, until=until)

        async def remove() -> None:
            await process.library.unshare(until=until, **fields)
            for expected in job.surely:
                expected.is_told = True

        self._start(job, remove())

    async def _recorded(self) -> set[Share]:
        return {
            Share(**share) for payload in await self.index.find({"kind": "document"}) for share in payload["shares"]
        }

    @rule(who=st.integers(0, 1), channels=st.sets(st.sampled_from(CHANNELS), min_size=1), how=st.sampled_from("lpr"))
    def look(self, who: int, channels: set[str], how: str) -> None:
        """Somebody lists, pages through or searches, while all this goes on."""
        process, audience = self.processes[who], Audience(frozenset(channels))
        hidden = {expected for expected in self.shares if expected.is_told}

        async def look() -> None:
            await self._look(process.library, audience, hidden, how)

        self._start(Job(process, f"look {how}"), look())

    @precondition(lambda self: any(job.turn for job in self.jobs))
    @rule(which=st.integers(0, 99), turns=st.integers(1, 8))
    def go_on(self, which: int, turns: int) -> None:
        """Somebody's next calls."""
        waiting = [job for job in self.jobs if job.turn]
        job = waiting[which % len(waiting)]
        for _ in range(turns):
            self.run(self._one_turn(job))

    @precondition(lambda self: self.jobs)
    @rule(who=st.integers(0, 1))
    def kill(self, who: int) -> None:
        """SIGKILL; a new process takes up what the old one had begun."""
        dead = self.processes[who]
        dead.is_dead = True
        cut_short = [job for job in self.jobs if job.process is dead]
        self.run(self._bury(cut_short))
        self.jobs = [job for job in self.jobs if job.process is not dead]
        self.processes[who] = born = self._process()
        for job in cut_short:
            if job.share:
                expected = next(each for each in self.shares if each.share == job.share)
                expected.may_be_gone |= expected.must_be_gone
                expected.must_be_gone = expected.share.file_id in self.hidden.files
                expected.is_told = expected.must_be_gone
                for other in self.jobs:  # it is shared anew: what looked for it before need not find it
                    other.surely = [each for each in other.surely if each is not expected]
                self._add(born, expected, again=True)
            elif job.matches:
                self._again(born, job)

    def _again(self, process: Process, job: Job) -> None:
        fields = dict(zip(("file_id", "channel"), job.what.split()[1:], strict=False))
        if job.what.startswith("forget"):
            fields = {"user": job.what.split()[1]}
        elif job.what.startswith("leave"):
            fields = {"channel": job.what.split()[1]}
        self._remove(process, job.what, job.until, **fields)

    # How turns are given.

    def _start(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        async def begin() -> None:
            NOW.set(job)
            try:
                await work
            except Killed:
                assert job.process.is_dead
            finally:
                self.moved.set()

        self.jobs.append(job)
        job.started = next(self.clock)
        self.run(self._begin_job(job, begin()))

    async def _begin_job(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        self.moved.clear()
        job.task = asyncio.create_task(work)
        await self._wait(job)

    async def _one_turn(self, job: Job) -> None:
        self.moved.clear()
        if job.turn:
            turn, job.turn = job.turn, None
            turn.set_result(None)
        if job in self.jobs:
            await self._wait(job)
        await self._check()

    async def _wait(self, job: Job) -> None:
        """Wait until a job stands before its next call or has ended; or for another job's lock."""
        assert job.task
        async with asyncio.timeout(STUCK_SECONDS):
            while not job.turn and not job.task.done():
                await self.moved.wait()
                self.moved.clear()
        for ended in [job for job in self.jobs if job.task and job.task.done()]:
            self.jobs.remove(ended)
            assert ended.task
            ended.task.result()

    async def _bury(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if job.turn and not job.turn.done():
                job.turn.set_result(None)
        await asyncio.gather(*(job.task for job in jobs if job.task), return_exceptions=True)

    # What must hold.

    async def _check(self) -> None:
        """Between any two calls: nobody sees what was taken away, and what is seen is whole."""
        hidden = {expected for expected in self.shares if expected.is_told}
        for channel in CHANNELS:
            for how in "lpr":
                await self._look(self.onlooker, Audience(frozenset({channel})), hidden, how)

    async def _look(self, library: Library, audience: Audience, hidden: set[Expected], how: str) -> None:
        if how == "r":
            passages = await library.search(["lanterns lit rule page"], readable_by=audience, limit=20)
            for passage in passages:
                self._may_see(passage.document_id, audience, hidden)
            return
        documents = await library.documents(audience)
        for document in documents:
            self._may_see(document.id, audience, hidden)
            assert not set(document.shares) & {expected.share for expected in hidden}, "a share is seen"
            if how == "p":
                pages = await library.pages(document.id, readable_by=audience)
                whole = ([1, 2],) if library is self.onlooker else ([], [1, 2])  # none: taken away while it was read
                assert [page.number for page in pages] in whole, "a document with holes is read"

    def _may_see(self, document_id: str, audience: Audience, hidden: set[Expected]) -> None:
        allowing = [
            expected for expected in self.shares
            if expected.share.channel in audience and expected not in hidden and self._id(expected) == document_id
        ]  # fmt: skip
        assert allowing, "a document is seen that was taken away"

    def _id(self, expected: Expected) -> str:
        return self.ids[expected.content]

    def teardown(self) -> None:
        """Let everything end, then compare with Slack: exactly these shares, whole documents, nothing left over."""
        try:
            self.run(self._end())
        finally:
            for process in getattr(self, "processes", ()):
                process.is_dead = True
            self.run(self._bury(self.jobs))  # of a run that failed
            self.loop.close()
            self.patches.undo()
            shutil.rmtree(self.folder, ignore_errors=True)

    async def _end(self) -> None:
        if not hasattr(self, "index"):
            await self._begin()
        for _ in range(LONGEST_WORK):
            if not self.jobs:
                break
            for job in list(self.jobs):
                await self._one_turn(job)
        assert not self.jobs, "work that never ends"
        await self._sweep()
        await self._stands()
        await self._left_over()

    async def _sweep(self) -> None:
        sweep = getattr(self.onlooker, "sweep", None)
        if sweep:
            await sweep(0.0)

    async def _stands(self) -> None:
        seen = {share for channel in CHANNELS
                for document in await self.onlooker.documents(Audience(frozenset({channel})))
                for share in document.shares}  # fmt: skip
        for expected in self.shares:
            replaced, perhaps = self._replaced(expected, seen)
            if expected.must_be_gone or replaced:
                assert expected.share not in seen, f"{expected.share.file_id} stands and should not"
            elif not (expected.may_be_gone or perhaps):
                assert expected.share in seen, f"{expected.share.file_id} is lost"
        for share in seen:
            assert await self._found(share), f"{share.file_id} is listed and not found"

    def _replaced(self, old: Expected, seen: set[Share]) -> tuple[bool, bool]:
        """Tell whether a share must have gone, and whether it may have, because of a newer version."""
        newer = [
            new for new in self.shares
            if new.content != old.content and float(new.share.ts) > float(old.share.ts)
            and (new.share.channel, new.share.user, new.share.name)
            == (old.share.channel, old.share.user, old.share.name)
        ]  # fmt: skip
        return any(new.share in seen for new in newer), bool(newer)

    async def _found(self, share: Share) -> bool:
        audience = Audience(frozenset({share.channel}))
        (expected,) = [each for each in self.shares if each.share == share]
        document_id = self._id(expected)
        pages = await self.onlooker.pages(document_id, readable_by=audience)
        passages = await self.onlooker.search(["lanterns"], readable_by=audience, limit=20, document_id=document_id)
        return len(pages) == PAGES and {passage.page for passage in passages} == set(range(1, PAGES + 1))

    async def _left_over(self) -> None:
        """Of what is gone not a word is kept."""
        for kind in ("chunk", "page"):
            for payload in await self.index.find({"kind": kind}):
                record = await self.onlooker.document(
                    payload["document_id"], readable_by=Audience(frozenset(CHANNELS))
                )  # fmt: skip
                assert record, f"a {kind} is left over"
