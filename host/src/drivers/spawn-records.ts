// What the host remembers of the drivers it starts, so that it finds them again after its own restart: one small
// file a driver in the run directory. It knows no processes.
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConetError, isErrno } from '@conet/sdk'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { assertDriverName } from './driver-program.ts'

const SpawnRecord = Type.Object({
  name: Type.String(),
  command: Type.Array(Type.String()),
  /** Stands in the environment of the process: finds it if the host died before it could note the pid. */
  token: Type.String(),
  /** Absent: an intent. The process may run or not. */
  process: Type.Optional(
    Type.Object({ pid: Type.Integer({ minimum: 1 }), startTime: Type.String(), bootId: Type.String() }),
  ),
})
export type SpawnRecord = Static<typeof SpawnRecord>

/** Below the run directory. */
export const spawnRecordsRoom = 'spawned'

export class SpawnRecords {
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  /** Undefined if there is none. A record that cannot be read throws `internal`: a driver may run that it names. */
  async read(name: string): Promise<SpawnRecord | undefined> {
    const path = this.#path(name)
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    })
    if (text === undefined) return undefined
    const record = parseJson(text)
    if (Value.Check(SpawnRecord, record)) return record
    throw new ConetError('internal', `read the record of driver "${name}": ${path} is no record`, {
      help: `End conet-driver-${name} if it runs, then delete the file.`,
    })
  }

  async write(record: SpawnRecord): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
    // Written aside and moved, so that there is the old record or the new one, never half of one.
    const draft = join(this.directory, `.${randomUUID()}`)
    await writeFile(draft, `${JSON.stringify(record)}\n`, { mode: 0o600 })
    await rename(draft, this.#path(record.name))
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true })
  }

  async names(): Promise<string[]> {
    const files = await readdir(this.directory).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return []
      throw error
    })
    return files
      .filter((file) => file.endsWith('.json') && !file.startsWith('.'))
      .map((file) => file.slice(0, -'.json'.length))
      .sort()
  }

  #path(name: string): string {
    assertDriverName(name)
    return join(this.directory, `${name}.json`)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Garbage is no record; the caller says so with the path.
    return undefined
  }
}
