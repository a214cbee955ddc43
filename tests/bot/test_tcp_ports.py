"""A port that is taken: by whom, and which is the next."""

import os
import socket
from pathlib import Path

import pytest

from bot.tcp_ports import describe, holder, is_free, is_loopback, next_free


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads /proc")
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0")])
def test_a_port_that_is_held_is_named_and_passed_by(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as held:
        held.bind((host, 0))
        held.listen()
        port = held.getsockname()[1]
        assert not is_free(port)
        assert f"process {os.getpid()} (" in holder(port)
        assert next_free(port) > port
    assert is_free(port)
    assert next_free(port) == port
    assert holder(port) == ""


def test_a_process_that_is_gone_is_named_by_its_number() -> None:
    assert describe(2**22 + 1) == f"process {2**22 + 1}"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "localhost", "::1"])
def test_only_this_machine_reaches_a_loopback_host(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "fe80::1", "localhost.example.com", "gpu", ""])
def test_others_may_reach_any_other_host(host: str) -> None:
    assert not is_loopback(host)
