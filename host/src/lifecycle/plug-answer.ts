// What a driver answers to a plug, judged before the host acts on it. The protocol's schema has seen its form; this
// sees whether it makes sense, so that nothing of it is refused by the kernel half-way.
import { ConetError, type Dns, type FieldError, type PluggedInterface, type PlugResult } from '@conet/sdk'
import { sysctlOfPath } from '@conet/sdk/linux'
import type { InterfacePlan } from '../domain/endpoint.ts'
import { readAddress, readBlock, readPrefixed } from '../ipam/index.ts'
import { inOneSpelling } from '../sandbox/index.ts'

export type Asked = {
  readonly endpointId: string
  /** Its name, for the message. */
  readonly driver: string
  /** What one of the interfaces was to be. */
  readonly wanted: Pick<InterfacePlan, 'name' | 'macAddress' | 'addresses' | 'mtu'>
  /** What was answered last, where it is plugged. */
  readonly former?: PlugResult | undefined
  /** What other endpoints have in the sandbox, but for one that it shares. */
  readonly taken: ReadonlySet<string>
  /** Whether its driver has one interface for all its endpoints of a container. */
  readonly isShared: boolean
}

/** What the kernel and the protocol's other fields can hold: 32 bits. */
const mostNumber = 0xffffffff

/** Throws `protocolViolation`, which names every field that is wrong. */
export function assertSensible(result: PlugResult, asked: Asked): void {
  const faults = [
    ...lackOf(result.interfaces, asked),
    ...namesOf(result.interfaces, asked),
    ...(asked.isShared ? sharedFaults(result.interfaces) : []),
    ...result.interfaces.flatMap((plugged, n) => within(`interfaces[${n}]`, interfaceFaults(plugged))),
    ...within('dns', result.dns === undefined ? [] : dnsFaults(result.dns)),
  ]
  const fields = faults.length > 0 ? faults : wishFaults(result.interfaces, asked)
  const [first] = fields
  if (first === undefined) return
  const { endpointId, driver } = asked
  throw new ConetError(
    'protocolViolation',
    `plug endpoint ${endpointId}: driver "${driver}" answered ${first.path}, which ${first.message}`,
    { fields, details: { driver } },
  )
}

/** Nobody would look after an interface of which the record knows nothing. */
function lackOf(interfaces: readonly PluggedInterface[], { former }: Asked): FieldError[] {
  const [lacking] = former?.interfaces ?? []
  if (interfaces.length > 0 || lacking === undefined) return []
  return [fault('interfaces', `is empty, and ${lacking.name} was answered before`)]
}

function namesOf(interfaces: readonly PluggedInterface[], { wanted, taken }: Asked): FieldError[] {
  const [first] = interfaces
  const isThere = first === undefined || interfaces.some(({ name }) => name === wanted.name)
  if (!isThere) return [otherThanAsked('interfaces[0].name', first.name, wanted.name)]
  const seen = new Set(['lo'])
  return interfaces.flatMap(({ name }, n) => {
    const path = `interfaces[${n}].name`
    const isTwice = seen.has(name)
    seen.add(name)
    if (isTwice) return [fault(path, `is the name of another interface: ${name}`)]
    return taken.has(name) ? [fault(path, `is another endpoint's interface in this container: ${name}`)] : []
  })
}

/** MAC and MTU of one that is shared are those of its first endpoint. */
function wishFaults(interfaces: readonly PluggedInterface[], { wanted, isShared }: Asked): FieldError[] {
  return interfaces.flatMap((made, n) => {
    if (made.name !== wanted.name) return []
    const { macAddress, mtu } = isShared ? made : { ...made, ...wanted }
    return within(`interfaces[${n}]`, [
      ...(made.macAddress === macAddress ? [] : [otherThanAsked('macAddress', made.macAddress, macAddress)]),
      ...(made.mtu === mtu ? [] : [otherThanAsked('mtu', made.mtu ?? 'missing', mtu)]),
      ...addressWishFaults(made, wanted),
    ])
  })
}

function addressWishFaults(
  { addresses }: PluggedInterface,
  wanted: Pick<InterfacePlan, 'addresses'>,
): FieldError[] {
  const unlike = wanted.addresses.filter((address) => !addresses.includes(address))
  if (unlike.length === 0) return []
  const made = new Set(addresses.map(inOneSpelling))
  const lacking = unlike.filter((address) => !made.has(inOneSpelling(address)))
  return lacking.length === 0 ? [] : [fault('addresses', `lacks what was asked for: ${lacking.join(', ')}`)]
}

/** The host would bring it in, and take it away, once for each endpoint. */
function sharedFaults(interfaces: readonly PluggedInterface[]): FieldError[] {
  return interfaces.flatMap(({ configuredBy }, n) =>
    configuredBy === 'host'
      ? [fault(`interfaces[${n}].configuredBy`, 'is host, and the interface is one for several endpoints')]
      : [],
  )
}

function interfaceFaults(plugged: PluggedInterface): FieldError[] {
  return [
    ...sourceFaults(plugged),
    ...plugged.addresses.flatMap((address, n) => reasonOf(`addresses[${n}]`, readPrefixed(address))),
    ...plugged.routes.flatMap((route, n) => within(`routes[${n}]`, routeFaults(route))),
    ...(plugged.neighbours ?? []).flatMap(({ address }, n) =>
      reasonOf(`neighbours[${n}].address`, readAddress(address)),
    ),
    ...Object.keys(plugged.sysctls ?? {}).flatMap((path) =>
      sysctlOfPath(path) === undefined ? [fault(`sysctls.${path}`, 'is no setting of the network')] : [],
    ),
  ]
}

function sourceFaults({ configuredBy, sourceName, macAddress }: PluggedInterface): FieldError[] {
  if (configuredBy === 'driver') return []
  return [
    ...(sourceName === undefined
      ? [fault('sourceName', 'is missing, and the interface is left to the host')]
      : []),
    ...(isUnicast(macAddress) ? [] : [fault('macAddress', `is no address of one interface: ${macAddress}`)]),
  ]
}

function routeFaults(route: PluggedInterface['routes'][number]): FieldError[] {
  const { destination, gateway, source, metric = 0, table = 1 } = route
  const block = readBlock(destination)
  if (!block.ok) return reasonOf('destination', block)
  const { family } = block.value
  return [
    ...[
      { path: 'gateway', text: gateway },
      { path: 'source', text: source },
    ].flatMap(({ path, text }) => (text === undefined ? [] : addressFaults(path, text, family))),
    ...(metric > mostNumber ? [fault('metric', `is above ${mostNumber}`)] : []),
    ...(table > mostNumber ? [fault('table', `is above ${mostNumber}`)] : []),
  ]
}

function addressFaults(path: string, text: string, family: 4 | 6): FieldError[] {
  const address = readAddress(text)
  if (!address.ok || address.value.family === family) return reasonOf(path, address)
  return [fault(path, `is not of the destination's family: ${text}`)]
}

/** They become words of a file: what is no single word would be another line of it. */
function dnsFaults({ servers, search, options }: Dns): FieldError[] {
  const words = (path: string, texts: readonly string[]) =>
    texts.flatMap((text, n) =>
      /^[^\s\p{Cc}]{1,255}$/u.test(text)
        ? []
        : [fault(`${path}[${n}]`, 'is no single word of 1 to 255 characters')],
    )
  return [
    ...servers.flatMap((server, n) => reasonOf(`servers[${n}]`, readAddress(server))),
    ...words('search', search),
    ...words('options', options),
  ]
}

/** Not a group's address, and not the one that stands for none. */
function isUnicast(macAddress: string): boolean {
  return macAddress !== '00:00:00:00:00:00' && (Number.parseInt(macAddress.slice(0, 2), 16) & 1) === 0
}

function reasonOf(path: string, parsed: { ok: true } | { ok: false; reason: string }): FieldError[] {
  return parsed.ok ? [] : [fault(path, `is wrong: ${parsed.reason}`)]
}

function within(path: string, faults: readonly FieldError[]): FieldError[] {
  return faults.map((inner) => fault(`${path}.${inner.path}`, inner.message))
}

function otherThanAsked(path: string, found: unknown, asked: unknown): FieldError {
  return fault(path, `is ${found}, and ${asked} was asked for`)
}

function fault(path: string, message: string): FieldError {
  return { path, message }
}
