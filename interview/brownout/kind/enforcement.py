"""Whether the network of this cluster enforces network policies: no object of it says so, an attempt does.

kind's own network lets everything pass where the nodes' kernel lacks what it is made of (`nft_queue`), and says that in
a log alone.
"""

from __future__ import annotations

import socket

FORBIDDEN = ("kube-dns.kube-system.svc", 9153)
"""CoreDNS's own metrics: listening in every cluster that kind makes, and not among what the desk's policy allows."""
SECONDS = 2.0


def enforced(forbidden: tuple[str, int] = FORBIDDEN) -> bool:
    """Tries, from the desk's pod, what its policy forbids. An address where nothing listens counts as kept from it."""
    try:
        socket.create_connection(forbidden, SECONDS).close()
    except OSError:
        return True
    return False
