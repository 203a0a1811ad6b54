// Drivers that read bytes wrongly.
import type { Behaviour } from '../behaviour.ts'
import {
  FrameReader,
  FramingFault,
  type JsonObject,
  maxHeaderBytes,
  maxHeaderLines,
  type ReaderLimits,
} from '../wire.ts'
import { type Mutation, parts } from './mutation.ts'

type Reader = new (limits: ReaderLimits) => FrameReader

/** The good driver with another reader, or another limit. */
function reads(reader: Reader, changes: Partial<ReaderLimits> = {}): Mutation['change'] {
  return parts(({ maxMessageBytes }) => {
    const limits = { maxHeaderBytes, maxHeaderLines, maxBodyBytes: maxMessageBytes, ...changes }
    return { reader: () => new reader(limits) }
  })
}

class LooseLength extends FrameReader {
  protected override lengthOf(lengths: string[]): number {
    return Number.parseInt(lengths.at(-1) ?? '', 10)
  }
}

class LooseLines extends FrameReader {
  protected override lengthsIn(header: string): string[] {
    return super.lengthsIn(
      header
        .split('\r\n')
        .filter((line) => line.includes(':'))
        .join('\r\n'),
    )
  }
}

class OneFieldOnly extends FrameReader {
  protected override lengthsIn(header: string): string[] {
    if (!/^Content-Length: [0-9]+$/.test(header)) throw new FramingFault('that is not Content-Length')
    return super.lengthsIn(header)
  }
}

/** Counts the characters of a body where the sender has counted bytes. */
class Characters extends FrameReader {
  protected override takeBody(length: number): Buffer | undefined {
    const text = this.held.toString()
    if (text.length < length) return undefined
    return super.takeBody(Buffer.byteLength(text.slice(0, length)))
  }
}

class WholeHeaderOnly extends FrameReader {
  protected override takeHeader(): number | undefined {
    const length = super.takeHeader()
    if (length === undefined) this.take(this.held.length)
    return length
  }
}

class PieceByPiece extends FrameReader {
  override read(chunk: Buffer): Generator<JsonObject> {
    return super.read(Buffer.from(chunk.toString()))
  }
}

class TwoAChunk extends FrameReader {
  override *read(chunk: Buffer): Generator<JsonObject> {
    yield* [...super.read(chunk)].slice(0, 2)
  }
}

class AnyObject extends FrameReader {
  protected override parse(body: Buffer): JsonObject {
    try {
      return super.parse(body)
    } catch (error) {
      if (error instanceof FramingFault && error.message === 'the body is no object') return nothing
      throw error
    }
  }
}

class AnyText extends FrameReader {
  protected override parse(body: Buffer): JsonObject {
    return super.parse(Buffer.from(body.toString()))
  }
}

class AnyJson extends FrameReader {
  protected override parse(body: Buffer): JsonObject {
    try {
      return super.parse(body)
    } catch (error) {
      if (error instanceof FramingFault && error.message === 'the body is not JSON') return nothing
      throw error
    }
  }
}

/** Takes what a stream has left at its end for a message that lacks no more than its last brace. */
class Guessing extends FrameReader {
  override *end(): Generator<JsonObject> {
    if (this.bodyBytes !== undefined) yield this.parse(Buffer.concat([this.held, Buffer.from('}')]))
  }
}

/** Sets aside what is announced. */
class Trusting extends FrameReader {
  readonly #aside: Buffer[] = []

  protected override lengthOf(lengths: string[]): number {
    const length = super.lengthOf(lengths)
    this.#aside.push(Buffer.alloc(length, 1))
    return length
  }
}

const nothing: JsonObject = { jsonrpc: '2.0', method: 'zoo/nothing' }

const patient = (wait: keyof Behaviour['patienceMs']) =>
  parts(({ patienceMs }) => ({ patienceMs: { ...patienceMs, [wait]: 2 ** 31 - 1 } }))

export const framingMutations: readonly Mutation[] = [
  {
    name: 'goesOnAfterFaults',
    does: 'drops what it cannot read, and reads on',
    fails: [
      'framing.no-length',
      'framing.two-lengths',
      'framing.negative-length',
      'framing.no-number',
      'framing.endless-length',
      'framing.zero-length',
      'framing.no-field',
      'framing.over-limit',
      'framing.long-header',
      'framing.endless-header',
      'framing.many-lines',
      'framing.bad-utf8',
      'framing.bad-json',
      'framing.null-body',
      'framing.batch',
      'framing.number',
      'framing.zero-bytes',
      'rpc.no-version',
      'rpc.other-version',
      'rpc.null-id',
      'rpc.object-id',
      'rpc.fraction-id',
      'rpc.number-method',
      'rpc.long-method',
      'rpc.result-and-error',
      'rpc.neither',
    ],
    spoils: ['framing.slow-header'],
    change: parts(() => ({ fault: () => undefined })),
  },
  {
    name: 'closesAllOnFault',
    does: 'ends all its connections when one is out of order',
    fails: ['framing.error-is-alone'],
    change: parts(() => ({
      fault: ({ driver }) => {
        for (const { socket } of driver.sessions) socket.destroy()
      },
    })),
  },
  {
    name: 'answersFaults',
    does: 'answers a broken frame with a parse error before it ends the connection',
    fails: [
      'framing.no-length',
      'framing.two-lengths',
      'framing.negative-length',
      'framing.no-number',
      'framing.endless-length',
      'framing.zero-length',
      'framing.no-field',
      'framing.over-limit',
      'framing.long-header',
      'framing.endless-header',
      'framing.many-lines',
      'framing.bad-utf8',
      'framing.bad-json',
      'framing.null-body',
      'framing.batch',
      'framing.number',
      'framing.zero-bytes',
      'transcript.envelopes',
    ],
    change: parts(() => ({
      fault: (session) => {
        session.send({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'what?' } })
        session.socket.end()
      },
    })),
  },
  {
    name: 'looseLength',
    does: 'reads Content-Length with parseInt',
    fails: ['framing.two-lengths', 'framing.no-number'],
    change: reads(LooseLength),
  },
  {
    name: 'looseLines',
    does: 'skips header lines that are no fields',
    fails: ['framing.no-field'],
    change: reads(LooseLines),
  },
  {
    name: 'oneFieldOnly',
    does: 'takes no header field but Content-Length',
    fails: ['framing.other-header-fields', 'transcript.answered'],
    change: reads(OneFieldOnly),
  },
  {
    name: 'countsCharacters',
    does: 'counts the characters of a body',
    fails: ['framing.split-character', 'framing.bytes-not-characters', 'framing.bad-utf8', 'rpc.ids'],
    change: reads(Characters),
  },
  {
    name: 'wholeHeaderOnly',
    does: 'forgets a header that is not whole',
    fails: [
      'framing.byte-by-byte',
      'framing.split-header',
      'framing.split-blank-line',
      'transcript.answered',
    ],
    spoils: ['framing.slow-header'],
    change: reads(WholeHeaderOnly),
  },
  {
    name: 'decodesPieces',
    does: 'decodes UTF-8 before a message is whole',
    fails: ['framing.split-character', 'transcript.answered'],
    change: reads(PieceByPiece),
  },
  {
    name: 'twoAChunk',
    does: 'serves two messages of what it reads at once, and forgets the rest',
    fails: [
      'framing.several-in-one',
      'rpc.positional-notification',
      'rpc.unknown-notification',
      'rpc.stray-reply',
      'rpc.many-in-flight',
      'handshake.notification-before',
      'peers.in-order',
      'transcript.answered',
    ],
    spoils: [
      'calls.in-order',
      'calls.many-at-once',
      'calls.overload',
      'calls.same-at-once',
      'cancel.next-call',
      'cancel.nothing',
      'drain.waits',
      'health.ping',
      'health.ping-under-load',
    ],
    change: reads(TwoAChunk),
  },
  {
    name: 'anyObject',
    does: 'ignores a body that is no object',
    fails: ['framing.null-body', 'framing.batch', 'framing.number'],
    change: reads(AnyObject),
  },
  {
    name: 'anyText',
    does: 'replaces bytes that are no UTF-8',
    fails: ['framing.bad-utf8'],
    change: reads(AnyText),
  },
  {
    name: 'anyJson',
    does: 'ignores a body that is no JSON',
    fails: ['framing.bad-json'],
    change: reads(AnyJson),
  },
  {
    name: 'guessesTheEnd',
    does: 'serves what a stream that ended had begun to say',
    fails: ['framing.end-inside-message', 'rpc.half-close'],
    change: (good) => ({ ...reads(Guessing)(good), allowHalfOpen: true }),
  },
  {
    name: 'longHeaders',
    does: 'takes headers of any length',
    fails: ['framing.long-header', 'framing.endless-header', 'framing.zero-bytes'],
    change: reads(FrameReader, { maxHeaderBytes: Number.POSITIVE_INFINITY }),
  },
  {
    name: 'manyLines',
    does: 'takes headers of any number of lines',
    fails: ['framing.many-lines'],
    change: reads(FrameReader, { maxHeaderLines: Number.POSITIVE_INFINITY }),
  },
  {
    name: 'longBodies',
    does: 'takes bodies that are longer than it says',
    fails: ['framing.over-limit'],
    change: reads(FrameReader, { maxBodyBytes: Number.POSITIVE_INFINITY }),
  },
  {
    name: 'shortBodies',
    does: 'takes no bodies as long as it says',
    fails: ['framing.large-message', 'transcript.answered'],
    change: reads(FrameReader, { maxBodyBytes: 64 * 1024 }),
  },
  {
    name: 'trustsAnnouncements',
    does: 'sets aside the memory for a body that is announced',
    where: 'program',
    fails: ['framing.announced-memory'],
    change: reads(Trusting),
  },
  {
    name: 'patientWithHeaders',
    does: 'waits for ever for half a header',
    fails: ['framing.slow-header'],
    change: patient('header'),
  },
  {
    name: 'patientWithSilence',
    does: 'waits for ever for initialize',
    fails: ['handshake.silence'],
    change: patient('silence'),
  },
]
