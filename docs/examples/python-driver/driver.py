#!/usr/bin/env python3
"""A conet driver in plain Python: a Linux bridge for each network, a veth for each endpoint.

It never enters a network namespace: it leaves one end of the veth where it made it, and tells the host to move, name
and address it (`configuredBy: "host"`). It keeps no records: the aliases of its links say what exists. As root:

    ./driver.py --socket /run/conet/drivers/pybridge.sock
"""

import argparse
import errno
import os
import signal
import socket
import stat
import sys
import threading

from netlink import Netlink
from protocol import WORK, Connection, Refused


class BridgeDriver:
    identity = {"name": "pybridge", "version": "1.0.0"}
    schemas = {name: {"type": "object", "additionalProperties": False} for name in ("configSchema", "attachmentSchema")}

    def __init__(self):
        self.kernel = Netlink()
        self.networks = {}  # what this process was told of each, since its start (IDEM-3)
        self.endpoints = {}

    def call(self, method, params):
        """`network/create` is `network_create`; what the kernel refuses is an error of the catalogue."""
        try:
            return getattr(self, method.replace("/", "_"))(params)
        except OSError as error:
            details = {"errno": error.errno}
            raise Refused("kernelRefused", f"{method}: the kernel says: {error}", details=details) from error

    # Networks

    def network_create(self, params):
        network = params["network"]
        refuse_other_content(self.networks, network["id"], content_of_network(network))
        self.make_bridge(network)

    def make_bridge(self, network):
        """Makes the bridge, or mends it; returns what differed."""
        name, links = bridge_of(network["id"]), self.kernel.links()
        differences = [] if name in links and links[name].is_up else [f"bridge {name} was missing or down"]
        if name not in links:
            create_unless_there(lambda: self.kernel.create_bridge(name))
        self.kernel.set_link(name, alias=f"pybridge {network['id']}")
        for subnet in [] if network["internal"] else network["subnets"]:
            if "gateway" in subnet:
                prefix = subnet["subnet"].partition("/")[2]
                self.kernel.add_address(name, f"{subnet['gateway']}/{prefix}")
        self.networks[network["id"]] = content_of_network(network)
        return differences

    def network_delete(self, params):
        network_id = params["networkId"]
        if any(content["network"] == network_id for content in self.endpoints.values()):
            raise Refused("inUse", f"delete network {network_id}: it has endpoints")
        if self.is_ours(bridge_of(network_id)):
            self.kernel.delete_link(bridge_of(network_id))
        self.networks.pop(network_id, None)

    def network_list(self, _params):
        return {"networkIds": [words[1] for words in self.aliases() if len(words) == 2]}

    # Endpoints

    def endpoint_create(self, params):
        refuse_other_content(self.endpoints, params["endpointId"], content_of_endpoint(params))
        if not self.is_ours(bridge_of(params["network"]["id"])):
            raise Refused("failedPrecondition", f"network {params['network']['id']} has no bridge")
        self.endpoints[params["endpointId"]] = content_of_endpoint(params)

    def endpoint_delete(self, params):
        self.endpoint_unplug(params)
        self.endpoints.pop(params["endpointId"], None)

    def endpoint_list(self, _params):
        created = {endpoint_id: content["network"] for endpoint_id, content in self.endpoints.items()}
        plugged = {words[2]: words[1] for words in self.aliases() if len(words) > 2}
        return {"endpoints": [ref(network, endpoint) for endpoint, network in {**created, **plugged}.items()]}

    def endpoint_plug(self, params):
        """A veth: one end is a port of the bridge, the other is for the host to take."""
        self.endpoint_create(params)
        outer, inner = names_of(params["endpointId"])
        path = params["sandbox"]["path"]
        alias = f"pybridge {params['network']['id']} {params['endpointId']} {path}"[:255]
        mtu = params["interface"].get("mtu", 1500)
        found = self.kernel.links().get(outer)
        if found is not None and found.alias not in ("", alias):
            raise Refused("inUse", f"plug endpoint {params['endpointId']}: {outer} is there for another sandbox")
        check_sandbox(path)
        create_unless_there(lambda: self.kernel.create_veth(outer, inner, mtu))
        self.kernel.set_link(outer, alias=alias, master=bridge_of(params["network"]["id"]))
        return answer_to_plug(params, inner, mtu)

    def endpoint_unplug(self, params):
        outer, _inner = names_of(params["endpointId"])
        if self.is_ours(outer):
            self.kernel.delete_link(outer)  # both ends go, wherever they are

    # Sync: what the host says is the truth, whatever this process was told before

    def settle_network(self, network, repaired):
        repaired += self.make_bridge(network)

    def settle_endpoint(self, endpoint, repaired):
        self.endpoints.pop(endpoint["endpointId"], None)
        self.call("endpoint/create", endpoint)
        if "sandbox" not in endpoint:
            return self.call("endpoint/unplug", endpoint)
        try:
            return self.call("endpoint/plug", endpoint)
        except Refused as error:
            if error.name != "inUse":
                raise
        repaired.append(f"endpoint {endpoint['endpointId']} was plugged into another sandbox")
        self.call("endpoint/unplug", endpoint)
        return self.call("endpoint/plug", endpoint)

    def all_but(self, named):
        """What exists beyond these ids; what this process was told of anything else is forgotten."""
        self.networks = {key: value for key, value in self.networks.items() if key in named}
        self.endpoints = {key: value for key, value in self.endpoints.items() if key in named}
        endpoints = [entry for entry in self.endpoint_list({})["endpoints"] if entry["endpointId"] not in named]
        return {"networkIds": [key for key in self.network_list({})["networkIds"] if key not in named], "endpoints": endpoints}

    # The kernel is the record

    def aliases(self):
        return [link.alias.split(" ", 3) for link in self.kernel.links().values() if link.alias.startswith("pybridge ")]

    def is_ours(self, name):
        link = self.kernel.links().get(name)
        return link is not None and link.alias.startswith("pybridge ")


def bridge_of(network_id):
    return f"pyn{network_id[:12]}"


def names_of(endpoint_id):
    return f"pye{endpoint_id[:12]}", f"pyi{endpoint_id[:12]}"


def ref(network_id, endpoint_id):
    return {"networkId": network_id, "endpointId": endpoint_id}


def content_of_network(network):
    return {key: network[key] for key in ("internal", "subnets", "config")}


def content_of_endpoint(params):
    return {"network": params["network"]["id"], "handle": params["container"]["handle"],
            "interface": params["interface"], "options": params["options"]}


def refuse_other_content(told, object_id, content):
    if told.get(object_id, content) != content:
        raise Refused("conflict", f"{object_id} exists with other content")


def check_sandbox(path):
    """All that can be seen of a namespace without entering it (PLUG-4)."""
    try:
        found, own = os.stat(path), os.stat("/proc/self/ns/net")
    except OSError as error:
        raise Refused("invalidSandbox", f"sandbox {path}: {error.strerror}") from error
    if stat.S_ISREG(found.st_mode) and found.st_dev != own.st_dev and found.st_size == 0:
        raise Refused("sandboxUnreachable", f"sandbox {path}: a plain file, seen from here")
    if found.st_dev != own.st_dev or found.st_ino == own.st_ino:
        raise Refused("invalidSandbox", f"sandbox {path}: no namespace of a container")


def create_unless_there(create):
    try:
        create()
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise


def answer_to_plug(params, inner, mtu):
    wanted, gateways = params["interface"], [subnet["gateway"] for subnet in params["network"]["subnets"] if "gateway" in subnet]
    everywhere = {False: "0.0.0.0/0", True: "::/0"}
    default = [{"destination": everywhere[":" in gateway], "gateway": gateway} for gateway in gateways]
    return {"interfaces": [{
        "configuredBy": "host", "sourceName": inner, "name": wanted["name"], "macAddress": wanted["macAddress"],
        "addresses": wanted["addresses"], "mtu": mtu,
        "routes": wanted["routes"] + (default if wanted["defaultRoute"] and not params["network"]["internal"] else []),
    }]}


def listen(path):
    """The socket has its name only once it takes connections (SOCK-2 to SOCK-4)."""
    if os.path.lexists(path):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            sys.exit(f"{path} is there and is no socket")
        try:
            socket.socket(socket.AF_UNIX).connect(path)
            sys.exit(f"another process answers at {path}")
        except ConnectionRefusedError:
            pass  # left by one that was killed
    server, hidden = socket.socket(socket.AF_UNIX), os.path.join(os.path.dirname(path), f".{os.getpid()}.sock")
    os.umask(0o177)
    server.bind(hidden)
    server.listen()
    os.rename(hidden, path)
    return server


def main():
    parser = argparse.ArgumentParser(description="conet driver: a bridge for each network")
    parser.add_argument("--socket", default="/run/conet/drivers/pybridge.sock")
    path = os.path.abspath(parser.parse_args().socket)
    server, driver = listen(path), BridgeDriver()
    own = os.lstat(path).st_ino
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            connection = Connection(server.accept()[0], driver)
            threading.Thread(target=connection.serve, daemon=True).start()
    finally:
        WORK.acquire()  # the call under way has its answer, and no other begins (SOCK-8)
        if os.path.lexists(path) and os.lstat(path).st_ino == own:
            os.unlink(path)


if __name__ == "__main__":
    main()
