// A compiled policy as objects of the table: a chain of a few rules, each of which looks one set up.
import {
  addChain,
  addElements,
  addRangeSet,
  appendRule,
  concatenate,
  decide,
  deleteChain,
  deleteElements,
  deleteSet,
  type Expression,
  hostOrder,
  isIn,
  limitRate,
  loadPayload,
  loadProtocol,
  logPacket,
  type NetfilterRequest,
  reject,
  type SetElement,
  setPriority,
} from '../../linux/netfilter/index.ts'
import type { CompiledLayer, CompiledPolicy } from '../policy/compile.ts'
import type { AddressSpan, Box } from '../policy/planes.ts'
import { addressBytes, type Family, lastAddress } from '../policy/ranges.ts'
import { protocols } from '../policy/rules.ts'
import { policiesMap } from './policy-ruleset.ts'

/** A compiled policy in the table. Its name says its content. */
export type PolicyChain = {
  /** 15 digits, by which elements name it. */
  readonly name: string
  /** Its sets, and how many elements the kernel counts in each. */
  readonly sets: readonly { readonly name: string; readonly elements: number }[]
  readonly rules: number
  /** Makes all of it, with this number. */
  requests(table: string, number: number): NetfilterRequest[]
}

/** The group of NFLOG that log lines go to. */
export const logGroup = 100

/** Of each rule and container. */
const logLimit = { perSecond: 10, burst: 20 } as const

/** The head of a packet, for who wants to know more than that there was one. */
const logBytes = 128

/** libnftables' numbers of types. */
const TYPE = { ipv4: 7, ipv6: 8, protocol: 12, service: 13 } as const
const TYPE_BITS = 6

/** IFNAMSIZ. */
const nameLength = 16

const header = { 4: { offset: 16, length: 4 }, 6: { offset: 24, length: 16 } } as const

/** The number of a set within its transaction, which makes one table's only. */
let lastSetId = 0

/** The name of a policy's chain in the kernel; its sets begin so too. */
export const chainName = (policy: string) => `policy_${policy}`

/** The name of an interface as a key. */
export function nameBytes(name: string): Buffer {
  const bytes = Buffer.alloc(nameLength)
  bytes.write(name)
  return bytes
}

/** Takes a policy away that no element names any more. */
export function deletePolicy(
  table: string,
  { name, number, sets }: { name: string; number: number; sets: readonly string[] },
): NetfilterRequest[] {
  return [
    ...deleteElements({ table, name: policiesMap }, [{ key: hostOrder(number) }]),
    ...deleteChain({ table, name: chainName(name) }),
    ...sets.map((set) => deleteSet({ table, name: set })),
  ]
}

export function policyChain(policy: CompiledPolicy): PolicyChain {
  const { id, family, layers, usual } = policy
  const chain = chainName(id)
  const parts = layers.flatMap((layer, at) => partsOf(layer, { prefix: `${chain}_${at}`, family }))
  const rules = [
    setPriority(0),
    ...parts.flatMap((part) => rulesOf(part, policy)),
    ...(usual === 'deny' ? [[reject()]] : []),
  ]
  return {
    name: id,
    sets: parts.map(({ set, elements }) => ({ name: set.name, elements: elements.length })),
    rules: rules.length,
    requests: (table, number) => [
      addChain({ table, name: chain }),
      ...parts.flatMap((part) => setRequests(table, part)),
      ...rules.map((rule) => appendRule({ table, name: chain }, rule)),
      ...addElements({ table, name: policiesMap }, [{ key: hostOrder(number), value: { goto: chain } }]),
    ],
  }
}

function setRequests(table: string, { set, elements }: Part): NetfilterRequest[] {
  const id = ++lastSetId
  return [
    addRangeSet({ table, id, ...set }, elements.length),
    ...addElements({ table, name: set.name, id }, elements),
  ]
}

function rulesOf({ set, load, verdict, isLogged }: Part, { logPrefix }: CompiledPolicy): Expression[][] {
  const match = [...load, isIn(set.name)]
  const log = [
    ...match,
    limitRate(logLimit),
    logPacket({ group: logGroup, prefix: logPrefix, bytes: logBytes }),
  ]
  return [...(isLogged ? [log] : []), [...match, verdict === 'allow' ? decide('accept') : reject()]]
}

type Part = {
  readonly set: { readonly name: string; readonly keyType: number; readonly fields: readonly number[] }
  readonly elements: readonly SetElement[]
  /** Puts into registers what is looked up. */
  readonly load: readonly Expression[]
} & Pick<CompiledLayer, 'verdict' | 'isLogged'>

function partsOf(layer: CompiledLayer, { prefix, family }: { prefix: string; family: Family }): Part[] {
  const { verdict, isLogged } = layer
  const addresses: Part[] =
    layer.addresses.length === 0
      ? []
      : [
          {
            set: { name: `${prefix}_a`, keyType: addressType(family), fields: [header[family].length] },
            elements: layer.addresses.flatMap((span) => spanElements(span, family)),
            load: [loadDestination(family, 0)],
            verdict,
            isLogged,
          },
        ]
  const boxes = layer.boxes.flatMap((plane, at) => {
    const isIcmp = ({ protocol }: Box) => protocol === protocols.icmp || protocol === protocols.icmpv6
    const icmp = plane.filter(isIcmp)
    const ported = plane.filter((box) => !isIcmp(box))
    return [
      ...boxPart(ported, { name: `${prefix}_${at}p`, family, offset: 2, verdict, isLogged }),
      ...boxPart(icmp, { name: `${prefix}_${at}i`, family, offset: 0, verdict, isLogged }),
    ]
  })
  return [...addresses, ...boxes]
}

type BoxPart = { name: string; family: Family; offset: number } & Pick<CompiledLayer, 'verdict' | 'isLogged'>

/** `offset`: where in the transport header the two bytes are that the rules look at: the port, or ICMP's type and code. */
function boxPart(boxes: readonly Box[], { name, family, offset, verdict, isLogged }: BoxPart): Part[] {
  if (boxes.length === 0) return []
  const addressWords = header[family].length / 4
  const keyType = (((TYPE.protocol << TYPE_BITS) | addressType(family)) << TYPE_BITS) | TYPE.service
  return [
    {
      set: { name, keyType, fields: [1, header[family].length, 2] },
      elements: boxes.map((box) => boxElement(box, family)),
      load: [
        loadProtocol(0),
        loadDestination(family, 1),
        loadPayload(1 + addressWords, { base: 'transport', offset, length: 2 }),
      ],
      verdict,
      isLogged,
    },
  ]
}

const addressType = (family: Family) => (family === 4 ? TYPE.ipv4 : TYPE.ipv6)

const loadDestination = (family: Family, register: number) =>
  loadPayload(register, { base: 'network', ...header[family] })

/** Where it starts, and the first address behind it. */
function spanElements({ start, end }: AddressSpan, family: Family): SetElement[] {
  const first = { key: addressBytes(start, family) }
  if (end === lastAddress[family]) return [first]
  return [first, { key: addressBytes(end + 1n, family), isEnd: true }]
}

function boxElement({ protocol, addresses, ports }: Box, family: Family): SetElement {
  const key = (address: bigint, port: number) =>
    concatenate(Uint8Array.of(protocol), addressBytes(address, family), portBytes(port))
  return { key: key(addresses.start, ports.start), keyEnd: key(addresses.end, ports.end) }
}

export function portBytes(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff])
}
