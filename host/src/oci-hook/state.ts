// The state of a container that a runtime writes on a hook's standard input (OCI runtime-spec).
import { objectOf } from './json-document.ts'

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

function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
