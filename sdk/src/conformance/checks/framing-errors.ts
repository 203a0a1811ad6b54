// Frames that are wrong: each ends its own connection, without another message, and nothing else.

import type { CheckContext } from '../context/check-context.ts'
import { residentBytes } from '../target/resident-bytes.ts'
import { frame, header } from '../wire/frame.ts'
import type { ActiveCheck } from './check.ts'
import { expect } from './verdicts.ts'

type Fault = {
  readonly name: string
  /** Completes "after …". */
  readonly what: string
  readonly rules: readonly string[]
  bytes(kit: CheckContext): Buffer | string
}

const bodyText = '{"jsonrpc":"2.0","method":"kit/nothing"}'

/** A whole header block in front of a body that fits it. */
function headed(...lines: string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n${bodyText}`
}

const faults: readonly Fault[] = [
  {
    name: 'no-length',
    what: 'a header without Content-Length',
    rules: ['FRM-7'],
    bytes: () => headed('X-Other: 1'),
  },
  {
    name: 'two-lengths',
    what: 'a header with two Content-Length fields',
    rules: ['FRM-1', 'FRM-7'],
    bytes: () => headed(`Content-Length: ${bodyText.length}`, `Content-Length: ${bodyText.length}`),
  },
  {
    name: 'negative-length',
    what: 'a negative Content-Length',
    rules: ['FRM-1', 'FRM-7'],
    bytes: () => headed('Content-Length: -1'),
  },
  {
    name: 'no-number',
    what: 'a Content-Length with letters after its digits',
    rules: ['FRM-1', 'FRM-7'],
    bytes: () => headed(`Content-Length: ${bodyText.length}abc`),
  },
  {
    name: 'endless-length',
    what: 'a Content-Length of more than ten digits',
    rules: ['FRM-1', 'FRM-6'],
    bytes: () => header('1000000000000'),
  },
  { name: 'zero-length', what: 'a Content-Length of 0', rules: ['FRM-7'], bytes: () => header(0) },
  {
    name: 'no-field',
    what: 'a header line that is no "name: value"',
    rules: ['FRM-7'],
    bytes: () => headed('this is no field', `Content-Length: ${bodyText.length}`),
  },
  {
    name: 'over-limit',
    what: 'a body announced one byte over the driver’s limit',
    rules: ['FRM-6'],
    bytes: ({ introduction }) => header(introduction.limits.maxMessageBytes + 1),
  },
  {
    name: 'long-header',
    what: 'a header block of more than 8 KiB',
    rules: ['FRM-5'],
    bytes: () => headed(`X-Filler: ${'x'.repeat(9_000)}`, `Content-Length: ${bodyText.length}`),
  },
  {
    name: 'endless-header',
    what: 'a header that does not end',
    rules: ['FRM-5'],
    bytes: () => 'X-Filler: '.padEnd(64 * 1024, 'x'),
  },
  {
    name: 'many-lines',
    what: 'a header of more than 16 lines',
    rules: ['FRM-5'],
    bytes: () => {
      const fillers = Array.from({ length: 16 }, (_, n) => `X-${n}: 1`)
      return headed(...fillers, `Content-Length: ${bodyText.length}`)
    },
  },
  { name: 'bad-utf8', what: 'a body that is not UTF-8', rules: ['FRM-3', 'FRM-7'], bytes: badUtf8 },
  {
    name: 'bad-json',
    what: 'a body that is not JSON',
    rules: ['FRM-3', 'FRM-7'],
    bytes: () => frame('{"jsonrpc":'),
  },
  { name: 'null-body', what: 'a body that is null', rules: ['FRM-3', 'FRM-7'], bytes: () => frame('null') },
  { name: 'batch', what: 'a batch', rules: ['FRM-3', 'FRM-7'], bytes: () => frame(`[${bodyText}]`) },
  { name: 'number', what: 'a body that is a number', rules: ['FRM-3', 'FRM-7'], bytes: () => frame('42') },
  {
    name: 'zero-bytes',
    what: 'zero bytes instead of a header',
    rules: ['FRM-7'],
    bytes: () => Buffer.alloc(9_000),
  },
]

/** Connections that announce a body each. */
const announcing = 16

const why =
  'After a broken frame nobody knows where the next begins: what is read on is garbage, or an attack.'
const mend = 'End the connection at the first doubt, send nothing more on it, and keep serving the others.'

/** The bytes of the bad name are a lone continuation byte. */
function badUtf8(): Buffer {
  const [before = '', after = ''] = bodyText.split('nothing')
  return frame(Buffer.concat([Buffer.from(before), Buffer.from([0x80, 0xff]), Buffer.from(after)]))
}

function endsConnection({ name, what, rules, bytes }: Fault): ActiveCheck {
  return {
    id: `framing.${name}`,
    title: `${what} ends the connection, and nothing else`,
    level: 'core',
    rules,
    sends: `${what}, as the first bytes of a connection; then a handshake and a ping on a new one`,
    why,
    mend,
    async run(kit) {
      const connection = await kit.dial()
      connection.sendBytes(bytes(kit))
      await kit.expectEnded(connection, what)
      const { received } = connection
      expect(received.length === 0, `after ${what} the driver still sent something`, { found: received[0] })
    },
  }
}

export const framingErrorChecks: readonly ActiveCheck[] = [
  ...faults.map(endsConnection),
  {
    id: 'framing.error-is-alone',
    title: 'a framing error on one connection leaves another one and its calls alone',
    level: 'core',
    rules: ['FRM-7'],
    sends: 'a broken header on one connection, a ping on another',
    why,
    mend,
    async run(kit) {
      using bystander = await kit.connect()
      const broken = await kit.dial()
      broken.sendBytes(header('none'))
      await broken.endsWithin(kit.promptMs)
      await bystander.call('driver/ping', {}, { waitMs: kit.promptMs })
    },
  },
  {
    id: 'framing.end-inside-message',
    title: 'a stream that ends inside a message is no message',
    level: 'core',
    rules: ['FRM-7'],
    sends: 'initialize without its last byte, then the end of the stream',
    why: 'A host that is killed while it writes leaves half a message; half a delete must delete nothing.',
    mend: 'Drop what is not whole when the stream ends.',
    async run(kit) {
      const connection = await kit.dial()
      const whole = frame(kit.initializeMessage())
      connection.sendBytes(whole.subarray(0, whole.length - 1))
      connection.halfClose()
      await kit.expectEnded(connection, 'a stream that ended inside a message')
      expect(connection.received.length === 0, 'half a message was answered', {
        found: connection.received[0],
      })
    },
  },
  {
    id: 'framing.deep-nesting',
    title: 'a body that is nested 100,000 levels deep does not end the driver',
    level: 'robust',
    rules: ['FRM-7', 'RPC-5'],
    sends:
      'a notification with 100,000 arrays inside each other; then a handshake and a ping on a new connection',
    why: 'Recursive parsers run out of stack on such input, and take the process with them.',
    mend: 'Use a parser that limits depth or does not recurse; catch its error.',
    async run(kit) {
      const depth = 100_000
      const connection = await kit.dial()
      const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`
      connection.sendBytes(frame(`{"jsonrpc":"2.0","method":"kit/deep","params":{"nested":${nested}}}`))
      await kit.expectServed('a deeply nested body')
    },
  },
  {
    id: 'framing.announced-memory',
    title: 'an announced body costs no memory before its bytes come',
    level: 'resilient',
    rules: ['FRM-6'],
    sends: 'on 16 connections the header of a body of limits.maxMessageBytes, and no body',
    needs: ['command'],
    why: 'Connections that announce much and send nothing must not exhaust the machine.',
    mend: 'Let the buffer grow with what arrives.',
    async run(kit) {
      const bytes = Math.min(kit.introduction.limits.maxMessageBytes, 4 * 1024 * 1024)
      const connections = await Promise.all(Array.from({ length: announcing }, () => kit.dial()))
      await kit.expectServed(`${announcing} idle connections`)
      const before = residentBytes(kit.process.pid)
      for (const connection of connections) connection.sendBytes(header(bytes))
      await kit.expectServed(`${announcing} connections that announce a body and send none`)
      const growth = residentBytes(kit.process.pid) - before
      const most = (announcing * bytes) / 2
      expect(growth < most, 'the driver sets memory aside for what is only announced', {
        expected: `less than ${most} bytes`,
        found: `${growth} bytes`,
      })
    },
  },
  {
    id: 'framing.slow-header',
    title: 'a connection whose header never becomes whole is closed',
    level: 'robust',
    severity: 'should',
    rules: ['FRM-9'],
    sends: '“Content-Le”, and nothing for 5 s',
    limitMs: 30_000,
    mostlyWaits: true,
    why: 'Connections that hold half a header for ever use up the driver’s file descriptors.',
    mend: 'Close a connection whose header is not whole 5 s after its first byte.',
    async run(kit) {
      const connection = await kit.dial()
      connection.sendBytes('Content-Le')
      // The protocol's own time, which no time scale changes.
      await kit.expectEnded(connection, 'half a header for 5 s', 5_000 + kit.promptMs)
    },
  },
]
