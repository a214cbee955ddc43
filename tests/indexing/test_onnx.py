"""The embedding model on the CPU: the same vectors as torch, exported once, only what it knows."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.models.fetch import fetch_embeddings
from bot.settings import Settings
from indexing import onnx
from indexing.embedder import Embedder, TorchEncoder
from indexing.factory import encoder_of
from indexing.onnx import OnnxEncoder

TEXTS = [
    "passage: Trente jours de congé par an.",
    "query: How many days of leave are there?",
    "passage: " + "A long text about broken laptops and who repairs them. " * 60,
    "passage: ",
]


@pytest.fixture(scope="module")
def folder() -> Path:
    """The model that the bot uses."""
    settings = Settings()
    return fetch_embeddings(settings.embeddings.model, settings.cache_dir)


@pytest.fixture(scope="module")
def encoder(folder: Path) -> OnnxEncoder:
    return OnnxEncoder(folder, Settings().cache_dir, 2, 1)


@pytest.fixture(scope="module")
def torch_vectors(folder: Path) -> Any:
    return TorchEncoder(folder, "cpu", 16, 1).encode(TEXTS)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers with random weights, in a sentence-transformers folder."""
    tmp_path = tmp_path_factory.mktemp("model")
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(1)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "passage", ":", "holidays", "days", "leave", "jours", "?"]
    plain = Tokenizer(WordPiece({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    plain.pre_tokenizer = Whitespace()
    transformer = tmp_path / "transformer"
    PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="[UNK]", pad_token="[PAD]").save_pretrained(transformer)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(transformer)
    made = SentenceTransformer(
        modules=[Transformer(str(transformer)), Pooling(32, pooling_mode="mean"), Normalize()], device="cpu"
    )
    made.save_pretrained(str(tmp_path / "small"))
    return tmp_path / "small"


@pytest.fixture
def small(made_once: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(made_once, tmp_path / "small")


def test_the_vectors_are_those_of_torch(encoder: OnnxEncoder, torch_vectors: Any) -> None:
    vectors = encoder.encode(TEXTS)
    assert np.abs(vectors - torch_vectors).max() < 1e-4
    assert encoder.encode([]).shape == (0, encoder.dimensions)


def test_the_order_of_the_texts_is_kept_over_batches(encoder: OnnxEncoder) -> None:
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.abs(encoder.encode(TEXTS) - alone).max() < 1e-4


def test_eight_bits_are_near(small: Path, tmp_path: Path) -> None:
    texts = ["passage : holidays", "days leave ?", "jours jours jours"]
    known = TorchEncoder(small, "cpu", 16, 1).encode(texts)
    vectors = OnnxEncoder(small, tmp_path / "cache", 16, 1, int8=True).encode(texts)
    assert ((vectors * known).sum(axis=1) > 0.99).all()
    assert (vectors != known).any()


def test_matrices_with_outliers_stay_as_they_are(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = TorchEncoder(small, "cpu", 16, 1).encode(["days leave"])

    def error(deviations: float, cache: str) -> float:
        monkeypatch.setattr(onnx, "OUTLIER_DEVIATIONS", deviations)
        vectors = OnnxEncoder(small, tmp_path / cache, 16, 1, int8=True).encode(["days leave"])
        return float(np.abs(vectors - known).max())

    assert error(0, "all are outliers") < error(1000, "none is")


def test_a_long_text_is_cut_where_torch_cuts_it(small: Path, tmp_path: Path) -> None:
    (small / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 4}))
    text = ["days leave days leave holidays jours jours jours"]
    vectors = OnnxEncoder(small, tmp_path / "cache", 16, 1).encode(text)
    assert np.abs(vectors - TorchEncoder(small, "cpu", 16, 1).encode(text)).max() < 1e-5
    assert (
        np.abs(vectors - OnnxEncoder(small, tmp_path / "cache", 16, 1).encode(["days leave days leave"])).max() < 1e-5
    )


def test_a_model_is_exported_once_and_leaves_nothing_else(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    OnnxEncoder(small, tmp_path / "cache", 16, 1)
    (file,) = (file for file in (tmp_path / "cache").iterdir() if file.name != "weights.json")
    assert file.suffix == ".onnx"
    monkeypatch.setattr(onnx, "export", None)  # would raise
    OnnxEncoder(small, tmp_path / "cache", 16, 1)


def test_an_export_that_broke_off_leaves_nothing(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path, into: Path) -> Path:
        (into / "full.onnx").write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(onnx, "export", broken)
    with pytest.raises(OSError, match="No space"):
        OnnxEncoder(small, tmp_path / "cache", 16, 1)
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["weights.json"]


async def test_the_layers_are_loaded_when_someone_looks_into_them(small: Path, tmp_path: Path) -> None:
    embedder = Embedder(lambda: OnnxEncoder(small, tmp_path / "cache", 16, 1))
    await embedder.start()
    assert await embedder.run(lambda model: model.get_embedding_dimension()) == 32
    await embedder.aclose()


async def test_eight_bits_show_no_layers(small: Path, tmp_path: Path) -> None:
    embedder = Embedder(lambda: OnnxEncoder(small, tmp_path / "cache", 16, 1, int8=True))
    await embedder.start()
    with pytest.raises(TypeError):
        await embedder.run(lambda model: model)
    await embedder.aclose()


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"model_type": "xlm-roberta"}),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": False, "pooling_mode": "cls"}),
        ("modules.json", []),
        ("modules.json", None),
        ("tokenizer.json", None),
        ("model.safetensors", None),
    ],
)
def test_what_it_does_not_know_runs_in_torch(small: Path, tmp_path: Path, file: str, change: Any) -> None:
    target = small / file
    if change is None:
        target.unlink()
    else:
        known = json.loads(target.read_text())
        target.write_text(json.dumps(known | change if isinstance(change, dict) else change))
    assert not onnx.can_run(small)
    with pytest.raises(ValueError, match="EMBEDDINGS_INT8"):
        OnnxEncoder(small, tmp_path / "cache", 16, 1, int8=True)


def test_the_cpu_takes_onnx_and_a_gpu_torch(small: Path, tmp_path: Path) -> None:
    knobs = {"batch": 16, "threads": 1}
    assert isinstance(encoder_of(small, tmp_path, device="cpu", int8=False, **knobs), OnnxEncoder)
    assert isinstance(encoder_of(small, tmp_path, device="meta", int8=False, **knobs), TorchEncoder)
