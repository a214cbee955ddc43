"""Teach the language model a task: a LoRA adapter by peft, stopped in time, scored before and after."""

import importlib.util
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.errors import StartFailed
from bot.settings import Settings
from bot.training.adapter_gguf import architecture_of, write_adapter
from bot.training.base_model import batch_of, encoded, load_base
from bot.training.dataset import Example, read_examples, split_examples

RANK, ALPHA = 8, 16
MODULES = ("q_proj", "k_proj", "v_proj", "o_proj")
LEARNING_RATE = 5e-4
BATCH = 8
EPOCHS = 4
PATIENCE = 2  # looks at the watched loss without improvement
LOOKS_PER_EPOCH = 2
MOST_WATCHED = 64  # each look at them costs a forward pass
MOST_TEST = 200  # held-out examples that are scored
MOST_GENERATED = 20  # extraction is scored by letting the model write
ANSWER_TOKENS = 300

Report = Callable[[str], None]


@dataclass
class Best:
    """The adapter with the lowest loss on the watched examples so far."""

    loss: float = float("inf")
    state: dict[str, Any] | None = None
    waited: int = 0

    def look(self, loss: float, state: dict[str, Any]) -> bool:
        """Take note of a loss; tell whether training should go on."""
        if loss < self.loss - 1e-4:
            self.loss, self.waited = loss, 0
            self.state = {name: tensor.detach().clone() for name, tensor in state.items()}
        else:
            self.waited += 1
        return self.waited < PATIENCE


def finetune(  # noqa: PLR0913 - the options of a command
    *, task: str, data: Path, base: str, out: Path, bits: int = 8, report: Report = print
) -> dict[str, Any]:
    """Train an adapter, write it to the folder with its card, and return the card.

    `bits` (8 or 4) are those of the base's weights on a GPU with bitsandbytes; elsewhere they are held in full.
    """
    check_adapter(bits)
    import torch
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

    train, watched, test = split_examples(read_examples(task, data))
    torch.manual_seed(0)
    report(f"{len(train)} examples to learn from, {len(watched)} to watch, {len(test)} held out. Loading {base}…")
    model, tokenizer = load_base(base, Settings().cache_dir, bits)
    architecture_of(model.config)  # before the long part
    lora = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=list(MODULES), lora_dropout=0.05, task_type="CAUSAL_LM")
    taught = get_peft_model(model, lora)
    pupil = Pupil(taught, tokenizer)
    before = pupil.score(test)
    report(f"Before: {before:.3f} of the held-out examples right.")
    started = time.monotonic()
    best = pupil.learn(train, watched, lambda: get_peft_model_state_dict(taught), report)
    if best.state is None:
        raise StartFailed("The loss is not a number; the data may hold empty answers.")
    set_peft_model_state_dict(taught, best.state)
    after = pupil.score(test)
    report(f"After: {after:.3f}.")
    card = {
        "task": task, "base": base, "data": data.name, "date": datetime.now(UTC).date().isoformat(),
        "learned_from": len(train), "watched": len(watched), "held_out": len(scored(test)),
        "score_before": round(before, 4), "score_after": round(after, 4), "watched_loss": round(best.loss, 4),
        "rank": RANK, "alpha": ALPHA,
        "modules": MODULES, "seconds": round(time.monotonic() - started),
    }  # fmt: skip
    save(taught, best.state, card, out)
    report(f"Written to {out}. To use it: LLM_ADAPTERS={out / 'adapter.gguf'}")
    return card


def check_adapter(bits: int) -> None:
    """Raise StartFailed where the extra is not installed, or the bits are none that bitsandbytes has."""
    missing = [name for name in ("peft", "gguf") if importlib.util.find_spec(name) is None]
    if missing:
        raise StartFailed(f"{' and '.join(missing)} missing. Run deploy/setup finetune.")
    if bits not in {4, 8}:
        raise StartFailed(f"--bits is 8 or 4, not {bits}.")


def save(taught: Any, state: dict[str, Any], card: dict[str, Any], out: Path) -> None:
    """Write peft's own folder, the GGUF adapter and the card."""
    out.mkdir(parents=True, exist_ok=True)
    taught.save_pretrained(out / "peft")
    tensors = {name: tensor.float().cpu().numpy() for name, tensor in state.items()}
    write_adapter(tensors, taught.config, ALPHA, out / "adapter.gguf")
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")


class Pupil:
    """A model with an adapter, its tokenizer, and what it does with examples."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.pad = int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id)

    def learn(
        self, train: Sequence[Example], watched: Sequence[Example], state: Callable[[], dict[str, Any]], report: Report
    ) -> Best:
        """Go through the examples until the loss on those that are only watched rises, or EPOCHS times."""
        rows = [encoded(self.tokenizer, example, example.answer) for example in train]
        others = [encoded(self.tokenizer, example, example.answer) for example in watched[:MOST_WATCHED]]
        steps = EPOCHS * -(-len(rows) // BATCH)
        every = max(1, -(-len(rows) // BATCH) // LOOKS_PER_EPOCH)
        step_of = self._stepper(steps)
        best = Best()
        for number, batch in enumerate(self._batches(rows), start=1):
            loss = step_of(batch)
            if number % every == 0 or number == steps:
                watched_loss = self.loss(others)
                report(f"step {number}/{steps}: loss {loss:.4f}, watched {watched_loss:.4f}")
                if not best.look(watched_loss, state()):
                    report("The watched loss no longer falls: stopping.")
                    break
        return best

    def _batches(self, rows: list[tuple[list[int], int]]) -> Iterator[list[tuple[list[int], int]]]:
        shuffler = random.Random(0)  # noqa: S311
        for _ in range(EPOCHS):
            shuffler.shuffle(rows)
            for start in range(0, len(rows), BATCH):
                yield rows[start : start + BATCH]

    def _stepper(self, steps: int) -> Callable[[list[tuple[list[int], int]]], float]:
        import torch

        learned = [weights for weights in self.model.parameters() if weights.requires_grad]
        optimiser = torch.optim.AdamW(learned, lr=LEARNING_RATE, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps + 1, pct_start=0.1)

        def step(batch: list[tuple[list[int], int]]) -> float:
            self.model.train()
            with self._half_precision():
                loss = self.model(**self._tensors(batch)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            return float(loss.detach())

        return step

    def loss(self, rows: Sequence[tuple[list[int], int]]) -> float:
        """Return the mean loss of the answers' tokens."""
        losses = [loss * count for loss, count in map(self._loss, self._slices(rows))]
        return sum(losses) / len(rows)

    def _slices(self, rows: Sequence[tuple[list[int], int]]) -> Iterator[Sequence[tuple[list[int], int]]]:
        ordered = sorted(rows, key=lambda row: len(row[0]))
        for start in range(0, len(ordered), BATCH):
            yield ordered[start : start + BATCH]

    def _loss(self, batch: Sequence[tuple[list[int], int]]) -> tuple[float, int]:
        import torch

        self.model.eval()
        with torch.inference_mode(), self._half_precision():
            return float(self.model(**self._tensors(batch)).loss), len(batch)

    def score(self, examples: Sequence[Example]) -> float:
        """Return the share of held-out examples that are right: the likelier answer, or every field as it should be."""
        some = scored(examples)
        return sum(self._right(example) for example in some) / len(some)

    def _right(self, example: Example) -> float:
        if not example.others:
            return share_right(self.write(example), example.answer)
        answers = (example.answer, *example.others)
        losses = [self._loss([encoded(self.tokenizer, example, answer)])[0] for answer in answers]
        return float(losses[0] < min(losses[1:]))

    def write(self, example: Example) -> str:
        """Return what the model writes, the likeliest token each time."""
        import torch

        ids, prompt = encoded(self.tokenizer, example, "")
        given = self._tensors([(ids[:prompt], prompt)])
        del given["labels"]
        self.model.eval()
        with torch.inference_mode():
            written = self.model.generate(
                **given,
                max_new_tokens=ANSWER_TOKENS,
                do_sample=False,
                pad_token_id=self.pad,
                temperature=None,
                top_p=None,
            )
        return str(self.tokenizer.decode(written[0, prompt:], skip_special_tokens=True))

    def _tensors(self, batch: Sequence[tuple[list[int], int]]) -> dict[str, Any]:
        return {name: tensor.to(self.model.device) for name, tensor in batch_of(batch, self.pad).items()}

    def _half_precision(self) -> Any:
        """Multiply in bfloat16 where the processor does so: twice as fast."""
        import torch

        kind = self.model.device.type
        able = kind == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return torch.autocast(kind, dtype=torch.bfloat16, enabled=able)


def scored(examples: Sequence[Example]) -> Sequence[Example]:
    """Return the held-out examples that are scored: where the model must write, fewer."""
    return examples[: MOST_TEST if examples[0].others else MOST_GENERATED]


def share_right(written: str, wanted: str) -> float:
    """Return the share of fields that are exactly as they should be; 0 where it is not JSON of that shape."""
    try:
        found, right = (json.loads(text)["records"] for text in (written, wanted))
        pairs = [
            (record.get(name), value) for record, true in zip(found, right, strict=True) for name, value in true.items()
        ]
        return float(sum(a == b for a, b in pairs) / len(pairs))
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
        return 0.0
