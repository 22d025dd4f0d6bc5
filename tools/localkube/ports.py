"""Ports for servers that are started later, ended and started again."""

import random
import socket

from localkube.errors import LocalkubeError

# Below what the kernel hands to clients: one of them would hold the port of a server that restarts.
_PORTS = range(20000, 30000)
_ATTEMPTS = 200


def reserve_port() -> int:
    """Return a TCP port that nobody has at any address, nor gets before this process ends.

    A socket holds it that never listens: servers that set SO_REUSEADDR, as nearly all do, may
    listen there all the same, time after time, and other reservations meet it.
    """
    chance = random.SystemRandom()
    for _ in range(_ATTEMPTS):
        port = chance.choice(_PORTS)
        holder = socket.socket()
        try:
            holder.bind(("", port))
        except OSError:
            holder.close()
            continue
        # Only now: before, it would have shared the port of another that says so.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.detach()
        return port
    raise LocalkubeError(f"{_ATTEMPTS} ports that were tried are all taken")
