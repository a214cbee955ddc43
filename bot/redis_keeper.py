"""A small process beside redis-server: when the last process that used it is gone, killed or not, it stops the server.

Started by path, not as a module of the app: it imports hardly anything and takes a few megabytes.
"""

import fcntl
import os
import socket
import sys
import time

STOP_SECONDS = 30  # a server that does not end within it is left to the next start, which names it
PAUSE_SECONDS = 0.1


def main(users_lock: str, server_lock: str, redis_socket: str) -> None:
    """Wait until nobody holds the lock of its users, which the kernel frees when they die; then stop the server."""
    users = os.open(users_lock, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(users, fcntl.LOCK_EX)  # who starts meanwhile waits for it, and starts a server anew
    server = os.open(server_lock, os.O_CREAT | os.O_RDWR, 0o600)
    end = time.monotonic() + STOP_SECONDS
    while _is_held(server) and time.monotonic() < end:
        if not _shut_down(redis_socket):  # it has not begun to listen: its starter was killed in that moment
            time.sleep(PAUSE_SECONDS)


def _is_held(lock: int) -> bool:
    """Tell whether a server lives: it inherited the lock."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(lock, fcntl.LOCK_UN)
    return False


def _shut_down(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(STOP_SECONDS)
        try:
            server.connect(path)
            server.sendall(b"SHUTDOWN NOSAVE\r\n")  # everything is in the append-only file, which is written first
            while server.recv(1024):
                pass
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
