// What Guardian writes on the standard input of each action. Names of members are Go's, which takes them in any case.
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

/** The body of conetd's `up`. A pid of 0: the namespace is what Guardian's shim opened for us, at descriptor 3. */
export function upBody({ pid, properties, netin, netout_rules: rules }: Members): Members {
  const hasPid = typeof pid === 'number' && pid > 0
  const namespace = namespaceOf(hasPid ? `/proc/${pid}/ns/net` : '/proc/self/fd/3')
  return {
    ...(hasPid ? { pid } : {}),
    ...(namespace === undefined ? {} : { namespace }),
    ...(isThere(properties) ? { properties } : {}),
    ...(isThere(netin) ? { netin } : {}),
    ...(isThere(rules) ? { netout_rules: rules } : {}),
  }
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** The body of the legacy call net/in. */
export function netInBody(handle: string, { hostport, containerport }: Members): Members {
  return {
    handle,
    ...(isThere(hostport) ? { host_port: hostport } : {}),
    ...(isThere(containerport) ? { container_port: containerport } : {}),
  }
}
