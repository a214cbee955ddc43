"""LoRA on the upper layers of the embedding model, worn for one call and taken off: documents share the model."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

RANK = 8
SCALE = 2.0  # of B(A(x)), as alpha / rank = 16 / 8 in the LoRA paper's settings (arXiv 2106.09685)
FIRST_LAYER = 6  # of 12: the lower half is left alone, so that training can keep its output
ADAPTED = ("attention.self.query", "attention.self.value", "output.dense")

Tensors = dict[str, "torch.Tensor"]


def adapted_modules(bert: Any) -> list[str]:
    """Return the names of the linear layers that an adapter changes."""
    layers = range(FIRST_LAYER, bert.config.num_hidden_layers)
    return [f"encoder.layer.{layer}.{name}" for layer in layers for name in ADAPTED]


def fresh_adapter(bert: Any, seed: int = 0) -> Tensors:
    """Return an adapter that changes nothing yet: A random, B zero."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    tensors: Tensors = {}
    for name in adapted_modules(bert):
        linear = bert.get_submodule(name)
        bound = linear.in_features**-0.5
        tensors[f"{name}.a"] = (torch.rand(RANK, linear.in_features, generator=generator) * 2 - 1) * bound
        tensors[f"{name}.b"] = torch.zeros(linear.out_features, RANK)
    return tensors


@contextmanager
def worn(bert: Any, tensors: Tensors) -> Iterator[None]:
    """Add B(A(x)) to the adapted layers' outputs within the block."""
    hooks = []
    for name in adapted_modules(bert) if tensors else []:
        add = _low_rank(tensors[f"{name}.a"], tensors[f"{name}.b"])
        hooks.append(bert.get_submodule(name).register_forward_hook(add))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _low_rank(a: "torch.Tensor", b: "torch.Tensor") -> Any:
    from torch.nn import functional

    def add(_module: Any, inputs: tuple["torch.Tensor", ...], output: "torch.Tensor") -> "torch.Tensor":
        return output + SCALE * functional.linear(functional.linear(inputs[0], a), b)

    return add
