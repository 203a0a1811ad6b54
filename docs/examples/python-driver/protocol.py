"""The driver protocol (docs/protocol.md) from the driver's side: framing, handshake, validation, the order of calls.

Nothing here knows networks from anything else; driver.py does the work. Rules are named where they are kept.
"""

import contextlib
import json
import queue
import re
import socket
import sys
import threading
import uuid

VERSION = "1.0"
INSTANCE_ID = str(uuid.uuid4())
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_WAITING = 256
WORK = threading.Lock()  # one call at a time; held until its answer is sent

# name: (code, retryable, what was done); the last three are JSON-RPC's own numbers (docs/errors.md, ERR-2)
ERRORS = {
    "invalidArgument": (1001, False, "not-started"), "conflict": (1003, False, "not-started"),
    "inUse": (1004, False, "not-started"), "failedPrecondition": (1007, False, "not-started"),
    "overloaded": (1103, True, "not-started"), "unsupportedProtocolVersion": (1301, False, "not-started"),
    "alreadyInitialized": (1305, False, "not-started"), "notInitialized": (1307, False, "not-started"),
    "messageTooLarge": (1308, False, "unknown"), "kernelRefused": (1401, False, "partial"),
    "invalidSandbox": (1402, False, "not-started"), "sandboxUnreachable": (1403, False, "not-started"),
    "internal": (-32603, False, "unknown"),
}
METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602

ID = re.compile("[0-9a-f]{64}")
CIDR = re.compile("[0-9a-f.:]{2,45}/[0-9]{1,3}")
INTERFACE_NAME = re.compile(r"(?!\.{1,2}$)[^\s/:%\x00-\x1f\x7f]{1,15}")
PATH = re.compile("/.*", re.DOTALL)
NETWORK = {"id": ID, "name": str, "labels": dict, "internal": bool, "config": dict,
           "subnets": [{"subnet": CIDR, "gateway?": re.compile("[0-9a-f.:]{2,45}")}]}
SANDBOX = {"id": str, "path": PATH}
ENDPOINT = {"network": NETWORK, "endpointId": ID, "container": {"handle": str, "labels": dict}, "options": dict,
            "interface": {"name": INTERFACE_NAME, "macAddress": re.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}"),
                          "addresses": [CIDR], "mtu?": int, "defaultRoute": bool, "routes": [{"destination": CIDR}]}}
REF = {"networkId": ID, "endpointId": ID}
PARAMS = {
    "driver/sync": {"syncId": str, "more": bool, "networks": [NETWORK], "endpoints": [{**ENDPOINT, "sandbox?": SANDBOX}]},
    "driver/ping": {},
    "network/create": {"network": NETWORK}, "network/delete": {"networkId": ID}, "network/list": {},
    "endpoint/create": ENDPOINT, "endpoint/delete": REF, "endpoint/list": {},
    "endpoint/plug": {**ENDPOINT, "sandbox": SANDBOX}, "endpoint/unplug": {**REF, "sandbox?": SANDBOX},
}
META = {"operationId?": re.compile(".{1,128}", re.DOTALL), "attempt?": int, "timeoutMs?": int}
INITIALIZE = {"protocolVersions": [str], "host": {"name": str, "version": str, "instanceId": str}, "nodeId": str,
              "limits": {"maxMessageBytes": int}}


class Broken(Exception):
    """The other side broke the framing: this connection ends, and nothing else does (FRM-7)."""


class Refused(Exception):
    """A call fails with an error of the catalogue."""

    def __init__(self, name, message, code=None, fields=None, details=None):
        super().__init__(message)
        self.name = name
        known, retryable, state = ERRORS.get(name, (code, False, "not-started"))
        more = {"fields": fields, "details": details}
        data = {"name": name, "retryable": retryable, "operationState": state}
        data.update({key: value for key, value in more.items() if value is not None})
        self.error = {"code": code or known, "message": message, "data": data}


def check(value, shape, path=""):
    """Compares a value with one of the shapes above; `name?` may be missing (CALL-3)."""
    if isinstance(shape, dict) and type(value) is dict:
        for name, inner in shape.items():
            below = f"{path}.{name}".strip(".?")
            if name.rstrip("?") in value:
                check(value[name.rstrip("?")], inner, below)
            elif not name.endswith("?"):
                raise wrong(below, "is missing")
    elif isinstance(shape, list) and type(value) is list:
        for index, item in enumerate(value):
            check(item, shape[0], f"{path}[{index}]")
    elif isinstance(shape, re.Pattern) and (type(value) is not str or not shape.fullmatch(value)):
        raise wrong(path, f"must match {shape.pattern}")
    elif isinstance(shape, (dict, list, type)) and type(value) is not (shape if isinstance(shape, type) else type(shape)):
        raise wrong(path, "has another type")
    elif shape is int and value < 1:
        raise wrong(path, "must be at least 1")


def wrong(path, message):
    return Refused("invalidArgument", f"{path} {message}", fields=[{"path": path, "message": message}])


def read_message(stream):
    """Returns the next message (FRM-1 to FRM-7, RPC-1)."""
    length, taken, lines = None, 0, 0
    while (line := stream.readline(8193)) != b"\r\n":
        taken, lines = taken + len(line), lines + 1
        name, colon, value = line.decode("latin-1").partition(":")
        if taken > 8190 or lines > 16 or not line.endswith(b"\r\n") or not re.fullmatch(r"[!#-'*+.^_`|~\w-]+", name, re.A):
            raise Broken("a header that is too long, cut off, or none")
        if name.lower() == "content-length":
            if length is not None or not colon or not re.fullmatch("[0-9]{1,10}", value.strip(" \t\r\n")):
                raise Broken("no single Content-Length")
            length = int(value)
    if length is None or not 0 < length <= MAX_MESSAGE_BYTES:
        raise Broken(f"a body of {length} bytes")
    try:
        message = json.loads(stream.read(length).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Broken("a body that is cut off, or no JSON") from error
    if type(message) is not dict or message.get("jsonrpc") != "2.0" or not is_envelope(message):
        raise Broken("a body that is no message of JSON-RPC 2.0")
    return message


def is_envelope(message):
    def is_word(value):
        return type(value) is str and 1 <= len(value) <= 256

    has_id = type(message.get("id")) is int or is_word(message.get("id"))
    if "method" in message:
        return is_word(message["method"]) and (has_id or "id" not in message)
    return has_id and ("result" in message) != ("error" in message)


class Connection:
    """One host. The reader answers pings at once, calls wait in line for the worker (CALL-5, HLTH-1)."""

    def __init__(self, sock, driver):
        self.socket, self.driver = sock, driver
        self.sending = threading.Lock()
        self.calls = queue.Queue(MAX_WAITING)
        self.under_way = set()
        self.is_initialized = False
        self.max_outgoing = MAX_MESSAGE_BYTES
        self.sync = None
        self.failed_creates = set()

    def serve(self):
        worker = threading.Thread(target=self.work, daemon=True)
        worker.start()
        try:
            self.socket.settimeout(10)  # for `initialize` to come (HS-12)
            with self.socket, self.socket.makefile("rb") as stream:
                while stream.peek(1):
                    self.socket.settimeout(5)  # for each piece of a message that has begun (FRM-9)
                    self.receive(read_message(stream))
                    self.socket.settimeout(None if self.is_initialized else 10)
        except (Broken, OSError) as error:
            print(f"a connection ended: {error}", file=sys.stderr)
        self.calls.put(None)

    def receive(self, message):
        method, request_id = message.get("method"), message.get("id")
        if method == "rejected":
            print(f"the host does not use this driver: {message.get('params')}", file=sys.stderr)
        if method is None or request_id is None or request_id in self.under_way:
            return  # a reply to nothing, a notification, an id that is in use (RPC-4, RPC-8, RPC-9)
        self.under_way.add(request_id)
        if method in ("initialize", "driver/ping"):
            return self.answer(message)
        try:
            self.calls.put_nowait(message)
        except queue.Full:
            self.reply(message, error=Refused("overloaded", f"{method}: too much is waiting").error)

    def work(self):
        while (message := self.calls.get()) is not None:
            with WORK:
                self.answer(message)

    def answer(self, message):
        method = message["method"]
        try:
            self.reply(message, result=self.handle(method, message.get("params", {})))
        except Refused as error:
            self.reply(message, error=error.error)
        except Exception as error:  # a bug; what it says stays here (ERR-4)
            print(f"{method}: {error!r}", file=sys.stderr)
            self.reply(message, error=Refused("internal", "internal error").error)

    def reply(self, message, **outcome):
        """Sends the one answer; a host that is gone needs none (RPC-6, FRM-10)."""
        self.under_way.discard(message["id"])
        head = {"jsonrpc": "2.0", "id": message["id"]}
        body = json.dumps({**head, **outcome}).encode()
        if len(body) > self.max_outgoing:
            body = json.dumps({**head, "error": Refused("messageTooLarge", "the answer is too large").error}).encode()
        try:
            with self.sending:
                self.socket.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        except OSError:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)  # half an answer may be on its way

    def handle(self, method, params):
        if type(params) is not dict:
            raise Refused("invalidArgument", f"{method}: params must be an object", code=INVALID_PARAMS)
        if method == "initialize":
            return self.initialize(params)
        if not self.is_initialized:
            raise Refused("notInitialized", f"{method}: came before initialize")
        if method not in PARAMS:
            raise Refused("unsupported", f"{method}: no such method", code=METHOD_NOT_FOUND)
        try:
            return self.serve_call(method, params)
        except Exception:
            if method == "endpoint/create":
                self.failed_creates.add(str(params.get("endpointId")))
            raise

    def serve_call(self, method, params):
        check(params.pop("_meta", {}), META, "_meta")
        check(params, PARAMS[method])
        if method == "driver/sync":
            return self.serve_sync(params)
        if method == "driver/ping":
            return {}
        return self.call(method, params)

    def initialize(self, params):
        if self.is_initialized:
            raise Refused("alreadyInitialized", "initialize: came a second time")
        check(params, INITIALIZE)
        offered = params["protocolVersions"]
        if VERSION not in offered:
            details = {"offered": offered, "spoken": [VERSION]}
            raise Refused("unsupportedProtocolVersion", f"initialize: this driver speaks {VERSION}", details=details)
        self.is_initialized = True
        self.max_outgoing = params["limits"]["maxMessageBytes"]
        return {"protocolVersion": VERSION, "driver": {**self.driver.identity, "instanceId": INSTANCE_ID},
                "capabilities": {"methods": list(PARAMS), "scope": "local"},
                "limits": {"maxMessageBytes": MAX_MESSAGE_BYTES, "maxInFlight": MAX_WAITING}, **self.driver.schemas}

    def call(self, method, params):
        """`endpoint/plug` may come before `endpoint/create` is answered; then it fails with it (CALL-6)."""
        endpoint_id = params.get("endpointId")
        if self.sync is not None:  # what the host asks for while it syncs is not unknown to it (SYNC-6)
            self.sync["named"] |= {endpoint_id, params.get("networkId"), params.get("network", {}).get("id")}
        if method == "endpoint/plug" and endpoint_id in self.failed_creates:
            raise Refused("failedPrecondition", f"plug endpoint {endpoint_id}: its create failed")
        result = self.driver.call(method, params) or {}
        if method == "endpoint/create":
            self.failed_creates.discard(endpoint_id)
        return result

    def serve_sync(self, page):
        """Makes true what a page says; on the last one, names what exists and no page has named."""
        if self.sync is None or self.sync["id"] != page["syncId"]:
            self.sync = {"id": page["syncId"], "named": set(), "failed": set()}
        self.failed_creates.clear()
        named, failed = self.sync["named"], self.sync["failed"]
        result = {"repaired": [], "failed": [], "plugged": [], "unknown": {"networkIds": [], "endpoints": []}}

        def settle(ref, work):
            try:
                if ref["networkId"] in failed:
                    raise Refused("failedPrecondition", "not tried, because its network failed")
                work()
            except Refused as error:
                result["failed"].append({**ref, "error": {"name": error.name, "message": str(error)}})
                failed.update({ref["networkId"]} if "endpointId" not in ref else ())

        for network in page["networks"]:
            named.add(network["id"])
            settle({"networkId": network["id"]}, lambda: self.driver.settle_network(network, result["repaired"]))
        for endpoint in page["endpoints"]:
            ref = {"networkId": endpoint["network"]["id"], "endpointId": endpoint["endpointId"]}
            named.add(ref["endpointId"])

            def settle_endpoint():
                plugged = self.driver.settle_endpoint(endpoint, result["repaired"])
                if plugged is not None:
                    result["plugged"].append({**ref, "result": plugged})

            settle(ref, settle_endpoint)
        if not page["more"]:
            result["unknown"] = self.driver.all_but(named)
            self.sync = None
        return result
