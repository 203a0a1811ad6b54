"""As much of rtnetlink(7) as a bridge driver needs: links and addresses, by socket and struct alone."""

import errno
import ipaddress
import os
import socket
import struct
from collections import namedtuple

Link = namedtuple("Link", "index alias is_up")

NEWLINK, DELLINK, GETLINK, NEWADDR = 16, 17, 18, 20
REQUEST, ACK, EXCL, REPLACE, DUMP, CREATE = 0x1, 0x4, 0x200, 0x100, 0x300, 0x400
MAC, NAME, MTU, MASTER, LINKINFO, ALIAS = 1, 3, 4, 10, 18, 20
INFO_KIND, INFO_DATA, VETH_PEER = 1, 2, 1
UP = 1


def attribute(kind, payload):
    """Length, kind, payload, filled up to a multiple of four."""
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


def attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[max(4, length + 3 & ~3):]


def text(kind, value):
    return attribute(kind, value.encode() + b"\0")


def link_header(index=0, flags=0, change=0):
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, change)


class Netlink:
    """One socket in the namespace of the process. Not for two threads at once."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.sequence = 0

    def ask(self, kind, flags, payload):
        """Sends one request; returns the messages of the answer, or raises OSError with the kernel's errno."""
        self.sequence += 1
        self.socket.send(struct.pack("=IHHII", 16 + len(payload), kind, REQUEST | flags, self.sequence, 0) + payload)
        answer = []
        while True:
            data = self.socket.recv(1 << 18)
            while data:
                length, kind, _, sequence, _ = struct.unpack_from("=IHHII", data)
                body, data = data[16:length], data[length + 3 & ~3:]
                if sequence != self.sequence:
                    continue
                if kind == 3 or kind == 2 and struct.unpack_from("=i", body)[0] == 0:
                    return answer
                if kind == 2:
                    code = -struct.unpack_from("=i", body)[0]
                    raise OSError(code, os.strerror(code))
                answer.append(body)

    def links(self):
        """Every link, by its name."""
        found = {}
        for body in self.ask(GETLINK, DUMP, link_header()):
            index, flags = struct.unpack_from("=iI", body, 4)
            members = dict(attributes(body[16:]))
            name, alias = (members.get(key, b"").rstrip(b"\0").decode(errors="replace") for key in (NAME, ALIAS))
            found[name] = Link(index, alias, flags & UP != 0)
        return found

    def create_bridge(self, name):
        kind = attribute(LINKINFO, text(INFO_KIND, "bridge"))
        self.ask(NEWLINK, ACK | CREATE | EXCL, link_header() + text(NAME, name) + kind)

    def create_veth(self, name, peer, mtu):
        size = attribute(MTU, struct.pack("=I", mtu))
        other = attribute(VETH_PEER, link_header() + text(NAME, peer) + size)
        kind = attribute(LINKINFO, text(INFO_KIND, "veth") + attribute(INFO_DATA, other))
        self.ask(NEWLINK, ACK | CREATE | EXCL, link_header() + text(NAME, name) + size + kind)

    def set_link(self, name, alias, master=None):
        """Gives the link its alias and, if one is named, its bridge, and brings it up."""
        members = text(ALIAS, alias)
        if master is not None:
            members += attribute(MASTER, struct.pack("=I", socket.if_nametoindex(master)))
        self.ask(NEWLINK, ACK, link_header(socket.if_nametoindex(name), UP, UP) + members)

    def add_address(self, name, address):
        """`address` with its prefix; may be there already."""
        parsed = ipaddress.ip_interface(address)
        family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
        header = struct.pack("=BBBBi", family, parsed.network.prefixlen, 0, 0, socket.if_nametoindex(name))
        both = attribute(1, parsed.ip.packed) + attribute(2, parsed.ip.packed)
        self.ask(NEWADDR, ACK | CREATE | REPLACE, header + both)

    def delete_link(self, name):
        """Fine when it is gone."""
        try:
            self.ask(DELLINK, ACK, link_header() + text(NAME, name))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise
