"""The gateway starts in a second: it takes requests and loads no model."""

import subprocess
import sys

HEAVY = ("torch", "transformers", "sentence_transformers", "llama_cpp", "sklearn", "matplotlib", "onnxruntime")


def test_the_gateways_modules_import_no_model_library() -> None:
    code = f"""
import sys
import bot.queue.queue, bot.gateway, bot.redis_server, bot.access.memberships, bot.slack.connect, bot.health, bot.log
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
