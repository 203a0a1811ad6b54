// Addresses and MACs that clients ask for, checked and in canonical text.
import { ConetError } from '@conet/sdk'
import { formatAddress, parseAddress } from '../ipam/index.ts'
import { about } from './named-field.ts'
import type { RequestFaults } from './request-faults.ts'

/**
 * `path` names the list in the request: `addresses` gives `addresses[0]`. What is wrong, or refused by `assertPossible`, is
 * noted and left out.
 */
export function parseRequestedAddresses(
  { addresses, path }: { addresses: readonly string[]; path: string },
  faults: RequestFaults,
  assertPossible: (address: string) => void,
): string[] {
  const parsed: string[] = []
  addresses.forEach((text, index) => {
    const at = `${path}[${index}]`
    faults.of(() => {
      const address = parseAt(text, at)
      if (parsed.includes(address)) refuse(at, `${address} is asked for twice`)
      about(at, () => assertPossible(address))
      parsed.push(address)
    })
  })
  return parsed
}

export function parseRequestedMac(mac: string, path: string): string {
  const canonical = mac.toLowerCase().replaceAll('-', ':')
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(canonical))
    refuse(path, `must look like 02:42:0a:00:00:02; found ${JSON.stringify(mac)}`)
  if (canonical === '00:00:00:00:00:00') refuse(path, 'must not be all zero')
  if (Number.parseInt(canonical.slice(0, 2), 16) & 1) refuse(path, 'must be a unicast address')
  return canonical
}

function parseAt(address: string, path: string): string {
  try {
    return formatAddress(parseAddress(address))
  } catch (error) {
    if (!ConetError.is(error)) throw error
    return refuse(path, `${JSON.stringify(address)} is no IP address`)
  }
}

function refuse(path: string, message: string): never {
  throw new ConetError('invalidArgument', `${path}: ${message}`, { fields: [{ path, message }] })
}
