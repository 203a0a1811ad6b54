// What the bundle of a container says of it, in its `config.json` (OCI runtime-spec).
import { readFileSync } from 'node:fs'
import { isAbsolute, join, normalize } from 'node:path'
import { faultOfForm, forms } from '@conet/sdk/forms'
import { type ExtraHost, extraHostsAt } from './extra-hosts.ts'
import { memberOf, objectOf } from './json-document.ts'

export type Bundle = {
  /** Where the runtime is about to make the container's root; undefined: the bundle does not say. */
  readonly root: string | undefined
  /** Undefined also where it is none that a hosts file can have. */
  readonly hostname: string | undefined
  /** What the runtime has put into the container's hosts file for others. */
  readonly extraHosts: readonly ExtraHost[]
}

/** Throws an Error whose message is for people. */
export function bundleAt(directory: string): Bundle {
  const config = configAt(directory)
  const root = memberOf(config.root, 'path')
  const { hostname } = config
  const own = isHostName(hostname) ? hostname : undefined
  const hostsFile = hostsFileOf(config.mounts)
  return {
    root: isText(root) ? inBundle(directory, root) : undefined,
    hostname: own,
    extraHosts: hostsFile === undefined ? [] : extraHostsAt(inBundle(directory, hostsFile), own),
  }
}

function configAt(directory: string): Readonly<Record<string, unknown>> {
  const path = join(directory, 'config.json')
  try {
    return objectOf(readFileSync(path, 'utf8'))
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(
      `read the configuration of the container's bundle, ${path}: ${isMissing ? 'there is no such file; the state on the standard input must name the directory that has it as bundle' : why}`,
    )
  }
}

/** The last mount over a file is the one that is seen. */
function hostsFileOf(mounts: unknown): string | undefined {
  if (!Array.isArray(mounts)) return undefined
  const sources = mounts.flatMap((mount: unknown) => {
    const destination = memberOf(mount, 'destination')
    const source = memberOf(mount, 'source')
    return isText(destination) && normalize(destination) === '/etc/hosts' && isText(source) ? [source] : []
  })
  return sources.at(-1)
}

function inBundle(directory: string, path: string): string {
  return isAbsolute(path) ? path : join(directory, path)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isHostName(value: unknown): value is string {
  return isText(value) && value !== 'localhost' && faultOfForm(value, forms.hostName) === undefined
}
