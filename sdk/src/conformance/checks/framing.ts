// Frames that are right, in every shape that a stream can give them.

import type { CheckContext } from '../context/check-context.ts'
import { frame } from '../wire/frame.ts'
import type { RawConnection } from '../wire/raw-connection.ts'
import type { Json } from '../wire/strict-parser.ts'
import type { ActiveCheck } from './check.ts'
import { expect, NotApplicable } from './verdicts.ts'

const mend =
  'Keep what was read until the header, and then the body, is whole; count bytes, not characters or chunks.'
const why = 'A stream has no messages: what was one write arrives in pieces, or together with the next.'

export const framingChecks: readonly ActiveCheck[] = [
  {
    id: 'framing.byte-by-byte',
    title: 'a message that comes byte by byte is served',
    level: 'core',
    rules: ['FRM-4'],
    sends: 'initialize, one byte a write',
    why,
    mend,
    run: (kit) => servedInPieces(kit, kit.initializeMessage(), (bytes) => cut(bytes, 1)),
  },
  {
    id: 'framing.split-header',
    title: 'a message that is cut inside its header is served',
    level: 'core',
    rules: ['FRM-4'],
    sends: 'initialize in two writes, cut after “Content”',
    why,
    mend,
    run: (kit) => servedInPieces(kit, kit.initializeMessage(), (bytes) => cutAt(bytes, 7)),
  },
  {
    id: 'framing.split-blank-line',
    title: 'a message that is cut inside the blank line after its header is served',
    level: 'core',
    rules: ['FRM-4'],
    sends: 'initialize in two writes, cut before the last LF of the header',
    why,
    mend,
    run: (kit) =>
      servedInPieces(kit, kit.initializeMessage(), (bytes) => cutAt(bytes, bytes.indexOf('\r\n\r\n') + 3)),
  },
  {
    id: 'framing.split-character',
    title: 'a message that is cut inside a character of several bytes is served',
    level: 'core',
    rules: ['FRM-3', 'FRM-4'],
    sends: 'initialize with the id "id-€" in two writes, cut inside the €',
    why: `${why} Decoding each piece by itself breaks the characters at the cuts.`,
    mend: 'Decode UTF-8 only when the body is whole.',
    run: (kit) => {
      const message = kit.initializeMessage('id-€')
      return servedInPieces(kit, message, (bytes) => cutAt(bytes, bytes.indexOf('€') + 1))
    },
  },
  {
    id: 'framing.bytes-not-characters',
    title: 'Content-Length counts bytes, also with characters of several bytes',
    level: 'core',
    rules: ['FRM-1', 'FRM-3'],
    sends: 'initialize with “höst-€-😀” for the name of the host',
    why: 'Who counts characters waits for ever on the first name that is not ASCII.',
    mend,
    async run(kit) {
      const connection = await kit.dial()
      const host = { name: 'höst-€-😀', version: '1.0.0', instanceId: 'kit' }
      connection.send(kit.initializeMessage(1, { host }))
      await answered(kit, connection, 1)
    },
  },
  {
    id: 'framing.several-in-one',
    title: 'several messages in one write are all served',
    level: 'core',
    rules: ['FRM-4'],
    sends: 'initialize, initialized and two pings in one write',
    why,
    mend,
    async run(kit) {
      const connection = await kit.dial()
      const messages = [
        kit.initializeMessage(1),
        { jsonrpc: '2.0', method: 'initialized', params: {} },
        ping(2),
        ping(3),
      ]
      connection.sendTogether(messages)
      for (const id of [1, 2, 3]) await answered(kit, connection, id)
    },
  },
  {
    id: 'framing.other-header-fields',
    title: 'header fields other than Content-Length are ignored, and names count in any case',
    level: 'core',
    rules: ['FRM-2'],
    sends: 'initialize behind X-Other, content-length in lower case, and Content-Type',
    why: 'Libraries for this framing send Content-Type, and some write names in lower case.',
    mend: 'Compare names without regard to case; skip fields that you do not know.',
    async run(kit) {
      const connection = await kit.dial()
      const message = kit.initializeMessage()
      const body = Buffer.from(JSON.stringify(message))
      const fields = [
        'X-Other: 1',
        `content-length: ${body.length}`,
        'Content-Type: application/vscode-jsonrpc; charset=utf-8',
      ]
      await connection.sendInPieces(message, [Buffer.from(`${fields.join('\r\n')}\r\n\r\n`), body])
      await answered(kit, connection, 1)
    },
  },
  {
    id: 'framing.large-message',
    title: 'a message as large as the driver’s own limit is read',
    level: 'core',
    rules: ['FRM-6'],
    sends: 'a ping with a filler that makes it as large as limits.maxMessageBytes, 4 MiB at most',
    why: 'A sync of a large machine fills the messages as far as the driver has said it takes them.',
    mend: 'Take bodies up to the limits.maxMessageBytes that initialize answered.',
    async run(kit) {
      using host = await kit.connect()
      const { maxMessageBytes } = kit.introduction.limits
      const bytes = Math.min(maxMessageBytes, 4 * 1024 * 1024)
      const empty = Buffer.byteLength(JSON.stringify({ ...ping(1_000_000), params: { filler: '' } }))
      const filler = 'x'.repeat(bytes - empty)
      host.connection.send({ ...ping(1_000_000), params: { filler } })
      await answered(kit, host.connection, 1_000_000)
      expect(host.connection.isOpen, `the connection ended after a message of ${bytes} bytes`)
    },
  },
  {
    id: 'framing.small-host',
    title: 'an answer that is larger than the host takes becomes error 1308, and the connection goes on',
    level: 'robust',
    rules: ['FRM-10'],
    sends:
      'endpoint/create until a list is larger than what a second connection offers to take; endpoint/list there',
    why: 'The host ends the connection at a message over its limit, and with it every call that is under way.',
    mend: 'Look at limits.maxMessageBytes of initialize before you send; answer messageTooLarge.',
    run: keepsToSmallLimit,
  },
]

/** A list of so many endpoints is the largest answer that the kit asks for. */
const mostEndpoints = 200
const bytesOfRef = 150

async function keepsToSmallLimit(kit: CheckContext): Promise<void> {
  const maxMessageBytes = 1024 + Buffer.byteLength(JSON.stringify(kit.introduction))
  const needed = Math.ceil(maxMessageBytes / bytesOfRef)
  if (needed > mostEndpoints) throw new NotApplicable('its introduction is larger than any list')
  using host = await kit.connect()
  const network = await kit.createNetwork(host)
  const endpoints = Array.from({ length: needed }, () => kit.objects.endpoint(network))
  for (const endpoint of endpoints) await host.call('endpoint/create', endpoint)
  host.close()
  using small = await kit.connect({ limits: { maxMessageBytes } })
  const { data } = await small.refused('endpoint/list', {}, ['messageTooLarge'])
  expect(data.operationState === 'unknown', 'operationState', {
    expected: 'unknown',
    found: data.operationState,
  })
  await small.call('driver/ping', {})
}

function ping(id: number): Json {
  return { jsonrpc: '2.0', id, method: 'driver/ping', params: {} }
}

async function servedInPieces(
  kit: CheckContext,
  message: Json,
  cutUp: (bytes: Buffer) => Buffer[],
): Promise<void> {
  const connection = await kit.dial()
  await connection.sendInPieces(message, cutUp(frame(message)))
  await answered(kit, connection, message.id)
}

async function answered(kit: CheckContext, connection: RawConnection, id: unknown): Promise<void> {
  const answer = await connection.message(`answer to ${id}`, kit.promptMs, (message) => message.id === id)
  expect(answer.error === undefined, `the message was understood as something else`, { found: answer.error })
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}

function cutAt(bytes: Buffer, at: number): Buffer[] {
  return [bytes.subarray(0, at), bytes.subarray(at)]
}
