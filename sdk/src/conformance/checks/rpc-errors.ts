// Messages that are no JSON-RPC 2.0: each ends its own connection.
import { frame } from '../wire/frame.ts'
import type { ActiveCheck } from './check.ts'

type Fault = { readonly name: string; readonly what: string; readonly message: object }

const faults: readonly Fault[] = [
  { name: 'no-version', what: 'a message without "jsonrpc"', message: { id: 'kit', method: 'driver/ping' } },
  {
    name: 'other-version',
    what: 'a message of JSON-RPC 1.0',
    message: { jsonrpc: '1.0', id: 'kit', method: 'driver/ping' },
  },
  {
    name: 'null-id',
    what: 'a request with the id null',
    message: { jsonrpc: '2.0', id: null, method: 'driver/ping' },
  },
  {
    name: 'object-id',
    what: 'a request with an object for its id',
    message: { jsonrpc: '2.0', id: {}, method: 'driver/ping' },
  },
  {
    name: 'fraction-id',
    what: 'a request with the id 1.5',
    message: { jsonrpc: '2.0', id: 1.5, method: 'driver/ping' },
  },
  {
    name: 'number-method',
    what: 'a request with a number for its method',
    message: { jsonrpc: '2.0', id: 'kit', method: 7 },
  },
  {
    name: 'long-method',
    what: 'a request whose method has 257 characters',
    message: { jsonrpc: '2.0', id: 'kit', method: 'x'.repeat(257) },
  },
  {
    name: 'result-and-error',
    what: 'a reply with both result and error',
    message: { jsonrpc: '2.0', id: 'kit', result: {}, error: { code: 1, message: 'kit' } },
  },
  {
    name: 'neither',
    what: 'a message that is neither request nor reply',
    message: { jsonrpc: '2.0', id: 'kit' },
  },
]

export const rpcErrorChecks: readonly ActiveCheck[] = faults.map(({ name, what, message }) => ({
  id: `rpc.${name}`,
  title: `${what} ends the connection, and nothing else`,
  level: 'core',
  rules: ['RPC-1'],
  sends: `${what}, behind a handshake; then a handshake and a ping on a new connection`,
  why: 'Who sends such a message speaks another protocol, and cannot be answered in a way that it understands.',
  mend: 'Look at the envelope before anything else, and end the connection where it is wrong.',
  async run(kit) {
    using host = await kit.connect()
    host.connection.sendBytes(frame(message))
    await kit.expectEnded(host.connection, what)
  },
}))
