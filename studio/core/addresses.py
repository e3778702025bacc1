"""Which addresses of the network are public. What a visitor names is fetched from these only, never from inside."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

PORTS = frozenset((80, 443))
UNICAST = IPv6Network("2000::/3")  # all that is routed; the rest is local, mapped or translated to IPv4
SIX_TO_FOUR = IPv6Network("2002::/16")


def is_web(text: str) -> bool:
    """Whether this is a web address, rather than anything else that names data."""
    return re.match(r"https?://", text, re.IGNORECASE) is not None


def is_public(address: str) -> bool:
    """Whether this IP address is one of the open network: not private, loopback, link-local, metadata or multicast."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and (found not in UNICAST or found in SIX_TO_FOUR):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def resolved(host: str, port: int) -> list[str]:
    """The IP addresses of a host; raises `OSError` where it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
