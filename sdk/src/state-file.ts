// What a driver must know after a crash and the kernel cannot tell: a JSON document on disk, checked when it is read
// and when it is written.
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Ajv, type ValidateFunction } from 'ajv'
import type { Static, TSchema } from 'typebox'
import { replaceDurably } from './durable-write.ts'
import { isErrno } from './errno.ts'
import { ConetError } from './errors/index.ts'
import { fieldErrors } from './fields/index.ts'

/** What a state file is. */
export type StateFileOptions<S extends TSchema> = {
  /** In a directory that is there, belongs to the driver's user or to root, and stays when the machine starts anew. */
  readonly path: string
  /** What the state may be: a schema of TypeBox, whose type it has, or any JSON Schema (draft-07). */
  readonly schema: S
  /** Of the schema; 1 or more. One more when the state of an older one could not be read any more. */
  readonly version: number
  /** The state while there is no file. */
  readonly empty: Static<S>
  /** Makes today's state of one that an older version wrote; without it an older one is refused. */
  upgrade?(state: unknown, version: number): unknown
}

type Envelope = { readonly version: number; readonly state: unknown }
type PendingWrite = { content: string; readonly written: Promise<void> }

const mostBytes = 256 * 1024 * 1024
const writableByOthers = 0o022

/**
 * A driver's own record, for what neither the host nor the kernel tells it. It has no timer and needs no close.
 *
 *     const file = new StateFile({ path: '/var/lib/wire/state.json', schema, version: 1, empty: { leases: {} } })
 *     const state = await file.read()
 *     await file.write({ ...state, leases })
 *
 * One process writes a file. Where two instances overlap (`hotUpgrade`), read in `activate`, not in `start`, and write
 * only in between `activate` and `drain`.
 */
export class StateFile<S extends TSchema> {
  readonly #options: StateFileOptions<S>
  readonly #validate: ValidateFunction<Static<S>>
  #writing: Promise<unknown> = Promise.resolve()
  #pending: PendingWrite | undefined

  /** Touches no file. Throws what ajv throws for a schema that is none. */
  constructor(options: StateFileOptions<S>) {
    this.#options = options
    this.#validate = new Ajv({ strict: true, allErrors: false, verbose: true }).compile<Static<S>>(
      options.schema,
    )
  }

  /**
   * Reads the file; resolves to `empty` if there is none. May be repeated, always from the disk. Rejects with a
   * ConetError: `permissionDenied` for a file that is not ours alone to write, `failedPrecondition` for one that holds
   * no valid state or was written by a newer version; the file stays as it is.
   */
  async read(): Promise<Static<S>> {
    const { path, empty } = this.#options
    await using file = await openOwn(path)
    return file === undefined ? empty : this.#parse(await file.readFile('utf8'))
  }

  /**
   * Replaces the state; resolves when it would survive a power failure. What is written while another write is under
   * way goes to the disk together, the last one counts. Rejects with a ConetError: `invalidArgument` for a state that
   * is not of the schema, `permissionDenied` for another owner's file, `storageFull`; the old state then stays.
   */
  write(state: Static<S>): Promise<void> {
    try {
      const { version } = this.#options
      this.#assertValid(state)
      return this.#enqueue(`${JSON.stringify({ version, state } satisfies Envelope)}\n`)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #enqueue(content: string): Promise<void> {
    if (this.#pending !== undefined) {
      this.#pending.content = content
      return this.#pending.written
    }
    const written = this.#writing.then(() => this.#writePending())
    this.#pending = { content, written }
    this.#writing = written.catch(() => undefined)
    return written
  }

  async #writePending(): Promise<void> {
    const content = this.#pending?.content ?? ''
    this.#pending = undefined
    const { path } = this.#options
    try {
      // The rename would replace it, whoever it belongs to.
      await (await openOwn(path))?.close()
      await replaceDurably(path, content)
    } catch (cause) {
      if (!isErrno(cause, 'ENOSPC', 'EDQUOT')) throw cause
      throw new ConetError('storageFull', `write state file ${path}: no space is left`, { cause })
    }
  }

  #assertValid(state: unknown): asserts state is Static<S> {
    if (this.#validate(state)) return
    const fields = fieldErrors(this.#validate.errors)
    const where = `${fields[0]?.path || 'the whole'} ${fields[0]?.message}`
    throw new ConetError('invalidArgument', `state of ${this.#options.path}: ${where}`, { fields })
  }

  #parse(text: string): Static<S> {
    const { version } = this.#options
    const envelope = this.#envelopeOf(text)
    if (envelope.version > version) {
      throw this.#unreadable(`version ${envelope.version} wrote it, this one knows ${version}`)
    }
    const state = envelope.version === version ? envelope.state : this.#upgraded(envelope)
    try {
      this.#assertValid(state)
    } catch (cause) {
      throw this.#unreadable(cause instanceof Error ? cause.message : String(cause), cause)
    }
    return state
  }

  #envelopeOf(text: string): Envelope {
    const parsed = this.#json(text)
    const hasVersion = isRecord(parsed) && Number.isInteger(parsed.version) && 'state' in parsed
    if (!hasVersion) throw this.#unreadable('it has no "version" and "state"')
    return { version: Number(parsed.version), state: parsed.state }
  }

  #json(text: string): unknown {
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw this.#unreadable('it is no JSON', cause)
    }
  }

  #upgraded({ state, version }: Envelope): unknown {
    const { upgrade } = this.#options
    if (upgrade === undefined) throw this.#unreadable(`version ${version} wrote it, and nothing upgrades it`)
    return upgrade(state, version)
  }

  #unreadable(why: string, cause?: unknown): ConetError {
    const { path } = this.#options
    return new ConetError('failedPrecondition', `read state file ${path}: ${why}`, {
      ...(cause !== undefined && { cause }),
      help: 'Restore it, or move it away to begin with an empty state.',
    })
  }
}

/** Undefined if there is none. Throws `permissionDenied` for one that others may write, or that is no plain file. */
async function openOwn(path: string): Promise<FileHandle | undefined> {
  const file = await openPlain(path)
  if (file === undefined) return undefined
  try {
    const { uid, mode, size, isFile } = await statsOf(file)
    const ours = process.geteuid?.() ?? 0
    if (!isFile) throw denied(path, 'it is no plain file')
    if (uid !== ours) throw denied(path, `it belongs to uid ${uid}, not to uid ${ours}`)
    if ((mode & writableByOthers) !== 0) throw denied(path, 'others may write to it')
    if (size > mostBytes) throw denied(path, `it has ${size} bytes, more than ${mostBytes}`)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

async function statsOf(file: FileHandle) {
  const stats = await file.stat()
  return { uid: stats.uid, mode: stats.mode, size: stats.size, isFile: stats.isFile() }
}

/** Neither follows a link nor waits for the other end of a pipe. */
async function openPlain(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined
    if (isErrno(cause, 'ELOOP')) throw denied(path, 'it is a symbolic link')
    if (isErrno(cause, 'EACCES')) throw denied(path, 'it is not readable for us')
    throw cause
  }
}

function denied(path: string, why: string): ConetError {
  return new ConetError('permissionDenied', `open state file ${path}: ${why}`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
