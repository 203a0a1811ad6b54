// The hosts file that a runtime has made for a container (podman's `--add-host`): conet's is bound over it, and keeps what it
// says of others.
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { isIP } from 'node:net'
import { faultOfForm, forms, maxExtraHosts, maxNamesOfHost } from '@conet/sdk/forms'
import { FileTooLarge, readBounded } from '../files/bounded-read.ts'

/** The client's, which would load its schemas. */
export type ExtraHost = { readonly address: string; readonly names: readonly string[] }

/** With the form of JSON around it, it must still fit into a request. */
const mostBytes = 262_144

/** Without those of the container itself. None of a file that is too large, or is not there: the runtime says that. */
export function extraHostsAt(path: string, hostname: string | undefined): ExtraHost[] {
  const text = textAt(path)
  return text === undefined ? [] : extraHostsIn(text, hostname)
}

/** The first ones, if there are too many. */
export function extraHostsIn(text: string, hostname: string | undefined): ExtraHost[] {
  const own = new Set(['localhost', hostname])
  const entries = text.split('\n').flatMap((line) => {
    const [address = '', ...words] = line.replace(/#.*/, '').trim().split(/\s+/)
    const names = words.filter((name) => !own.has(name) && isHostName(name)).slice(0, maxNamesOfHost)
    return isAddress(address) && names.length > 0 ? [{ address: address.toLowerCase(), names }] : []
  })
  return entries.slice(0, maxExtraHosts)
}

function textAt(path: string): string | undefined {
  let file: number | undefined
  try {
    // A pipe would hold up the container's start.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if (!fstatSync(file).isFile()) return undefined
    const content = readBounded(file)
    return content.length > mostBytes ? undefined : content.toString('utf8')
  } catch (error) {
    if (error instanceof FileTooLarge || (error instanceof Error && 'code' in error)) return undefined
    throw error
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Not one with a zone, which has a meaning on one machine alone. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && faultOfForm(text.toLowerCase(), forms.ipAddress) === undefined
}

function isHostName(name: string): boolean {
  return faultOfForm(name, forms.hostName) === undefined
}
