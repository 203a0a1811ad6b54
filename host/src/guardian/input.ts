// What Guardian writes on the standard input of each action. Names of members are Go's, which takes them in any case.
import { readlinkSync } from 'node:fs'
import { namespaceOf } from '../shim/calls.ts'

export type Members = Readonly<Record<string, unknown>>

/** The members under lower-case names; none of them where Guardian says `null`. */
export function membersOf(text: string): Members {
  if (text.trim() === '') return {}
  const value: unknown = JSON.parse(text)
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error('it must be a JSON object')
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key.toLowerCase(), member]))
}

/** Where Guardian's shim leaves the namespace of a container whose pid it does not know. */
const inherited = '/proc/self/fd/3'

/** The body of conetd's `up`. Throws an Error whose message is for people. */
export function upBody({ pid, properties, netin, netout_rules: rules }: Members): Members {
  assertPid(pid)
  const namespace = namespaceOf(pid > 0 ? `/proc/${pid}/ns/net` : inherited)
  return {
    ...(pid > 0 ? { pid } : {}),
    ...(namespace === undefined ? {} : { namespace }),
    ...(isThere(properties) ? { properties } : {}),
    ...(isThere(netin) ? { netin } : {}),
    ...(isThere(rules) ? { netout_rules: rules } : {}),
  }
}

function assertPid(pid: unknown): asserts pid is number {
  if (!isThere(pid))
    throw new Error('Pid is missing on the standard input, such as {"Pid":4711,"Properties":{}}')
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 0)
    throw new Error(`Pid must be a number: that of the container's process; found ${JSON.stringify(pid)}`)
  if (pid === 0 && !isNetworkNamespace(inherited))
    throw new Error('Pid is 0, and descriptor 3 is no network namespace')
}

/** Descriptor 3 may be anything of Node's own. */
function isNetworkNamespace(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('net:[')
  } catch {
    // Nothing is open there.
    return false
  }
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** Guardian writes it always. Without it a rule would be one that allows everything. */
export function memberOf(said: Members, name: string): unknown {
  const member = said[name.toLowerCase()]
  if (isThere(member)) return member
  throw new Error(`${name} is missing on the standard input`)
}

/** The body of the legacy call net/in. */
export function netInBody(handle: string, said: Members): Members {
  memberOf(said, 'ContainerPort')
  const { hostport, containerport } = said
  return {
    handle,
    ...(isThere(hostport) ? { host_port: hostport } : {}),
    ...(isThere(containerport) ? { container_port: containerport } : {}),
  }
}
