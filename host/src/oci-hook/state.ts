// The state of a container that a runtime writes on a hook's standard input, and what its bundle says (OCI runtime-spec).
import { readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'

export type ContainerState = {
  readonly id: string
  /** Absent once the container's process is gone: runc leaves it out, crun says 0. */
  readonly pid: number | undefined
  readonly bundle: string | undefined
  readonly annotations: Readonly<Record<string, string>>
}

/** Throws an Error whose message is for people. */
export function parseState(text: string): ContainerState {
  const state = objectOf(text)
  const { id, pid, bundle, annotations } = state
  if (typeof id !== 'string' || id === '') throw new Error('the state on the standard input has no id')
  return {
    id,
    pid: typeof pid === 'number' && pid > 0 ? pid : undefined,
    bundle: typeof bundle === 'string' ? bundle : undefined,
    annotations: textsOf(annotations),
  }
}

/** Where the runtime is about to make the container's root; undefined: the bundle does not say. */
export function rootOf(bundle: string | undefined): string | undefined {
  if (bundle === undefined) return undefined
  const config = memberOf(objectOf(readFileSync(join(bundle, 'config.json'), 'utf8')), 'root')
  const path = memberOf(config, 'path')
  if (typeof path !== 'string' || path === '') return undefined
  return isAbsolute(path) ? path : join(bundle, path)
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('not a JSON object')
  return Object.fromEntries(Object.entries(value))
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([key]) => key === name)?.[1]
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
