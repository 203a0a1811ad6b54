// The ports that a policy document asks for, checked: an array in the member that its driver names.
import { ConetError, firstFieldError, type PortMapping, PortRequest } from '@conet/sdk'
import { Ajv, type ValidateFunction } from 'ajv'
import { Type } from 'typebox'
import { formatAddress, readAddress } from '../ipam/index.ts'
import { HeldPorts, portsOf } from './held-ports.ts'

/** One element, complete. `hostPort` 0: any of the pool; `containerPort` 0: the same as the host port. */
export type PortWish = Required<Pick<PortMapping, 'protocol' | 'hostPort' | 'containerPort' | 'count'>> &
  Pick<PortMapping, 'hostAddress'> & {
    /** Present: the so manieth that a call asked for beside the document; its port stays its, whatever becomes of others like it. */
    readonly call?: number
  }

const mostPort = 65_535
const portRequests = Type.Array(PortRequest)
let compiled: ValidateFunction<PortRequest[]> | undefined

/** Compiled at first use, so that a start stays quick; the schema is our own and needs no check. */
function requestsValidator(): ValidateFunction<PortRequest[]> {
  compiled ??= new Ajv({ strict: true, validateSchema: false, verbose: true }).compile<PortRequest[]>(
    portRequests,
  )
  return compiled
}

/**
 * The wishes of a document, none where it lacks the member. Throws `invalidArgument` that names the field; `at` is the
 * path of the document.
 */
export function portWishesOf(
  document: Readonly<Record<string, unknown>>,
  member: string,
  at: string,
): PortWish[] {
  const requests: unknown = Object.hasOwn(document, member) ? document[member] : []
  const isRequests = requestsValidator()
  if (!isRequests(requests)) {
    const { path = '', message = 'is not valid' } = firstFieldError(isRequests.errors) ?? {}
    throw wrong(`${at}.${member}${path}`, message)
  }
  const wishes = requests.map((request, index) => wishOf(request, `${at}.${member}[${index}]`))
  assertApart(wishes, `${at}.${member}`)
  return wishes
}

/** As they are, the last `count` of them those of calls. */
export function withCalls(wishes: readonly PortWish[], count: number): PortWish[] {
  const first = wishes.length - count
  return wishes.map((wish, at) => (at < first ? wish : { ...wish, call: at - first }))
}

/** A port leads to one place. Those of the pool are apart by themselves. */
function assertApart(wishes: readonly PortWish[], at: string): void {
  const held = new HeldPorts()
  for (const [index, wish] of wishes.entries()) {
    const { protocol, hostPort, hostAddress: address } = wish
    if (hostPort === 0) continue
    for (const port of portsOf(wish)) {
      const other = held.ownerOf({ protocol, port, address }, () => true)
      if (other !== undefined)
        throw wrong(`${at}[${index}].host_port`, `${at}[${other.holder}] maps ${protocol} ${port} already`)
    }
    held.add(String(index), [wish])
  }
}

function wishOf(
  {
    protocol = 'tcp',
    host_port: hostPort = 0,
    container_port: containerPort = 0,
    count = 1,
    host_address: address,
  }: PortRequest,
  at: string,
): PortWish {
  assertInRange(hostPort, count, `${at}.host_port`)
  assertInRange(containerPort, count, `${at}.container_port`)
  const hostAddress = hostAddressOf(address, `${at}.host_address`)
  return { protocol, hostPort, containerPort, count, ...(hostAddress !== undefined && { hostAddress }) }
}

function assertInRange(port: number, count: number, path: string): void {
  const last = port + count - 1
  if (port !== 0 && last > mostPort)
    throw wrong(path, `${count} ports from ${port} would end above ${mostPort}`)
}

/** In one spelling; undefined: all addresses of the machine. `0.0.0.0` and `::` are all of their family. */
function hostAddressOf(text: string | undefined, path: string): string | undefined {
  if (text === undefined) return undefined
  const address = readAddress(text)
  if (!address.ok) throw wrong(path, 'is no address')
  return formatAddress(address.value)
}

function wrong(path: string, message: string): ConetError {
  return new ConetError('invalidArgument', `${path}: ${message}`, { fields: [{ path, message }] })
}
