// A compiled policy as objects of the table: a chain of a few rules, each of which looks one set up.
import {
  addChain,
  addElements,
  addRangeSet,
  appendRule,
  decide,
  deleteChain,
  deleteElements,
  deleteSet,
  type Expression,
  hostOrder,
  limitRate,
  logPacket,
  type NetfilterRequest,
  setPriority,
} from '../../linux/netfilter/index.ts'
import type { CompiledPolicy } from '../policy/compile.ts'
import { type Part, partsOf } from './policy-parts.ts'
import { policiesMap, refusal } from './policy-ruleset.ts'

const refuse = decide({ goto: refusal })

/** A compiled policy in the table. Its name says its content. */
export type PolicyChain = {
  /** 15 digits, by which elements name it. */
  readonly name: string
  readonly sets: readonly string[]
  /** Make all of it, but for the number that leads to it. */
  readonly objects: readonly NetfilterRequest[]
}

/** The group of NFLOG that log lines go to. */
export const logGroup = 100

/** Of each rule and container. */
const logLimit = { perSecond: 10, burst: 20 } as const

/** The head of a packet, for who wants to know more than that there was one. */
const logBytes = 128

/** IFNAMSIZ. */
const nameLength = 16

/** The name of a policy's chain in the kernel; its sets begin so too. */
export const chainName = (policy: string) => `policy_${policy}`

/** The name of an interface as a key. */
export function nameBytes(name: string): Buffer {
  const bytes = Buffer.alloc(nameLength)
  bytes.write(name)
  return bytes
}

/** Makes a policy that elements name by this number. */
export function addPolicy(
  table: string,
  { name, number, objects }: Pick<PolicyChain, 'name' | 'objects'> & { number: number },
): NetfilterRequest[] {
  const leads = { key: hostOrder(number), value: { goto: chainName(name) } }
  return [...objects, ...addElements({ table, name: policiesMap }, [leads])]
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

export function policyChain(policy: CompiledPolicy, table: string): PolicyChain {
  const { id, family, layers, usual } = policy
  const chain = chainName(id)
  const parts = layers.flatMap((layer, at) => partsOf(layer, { prefix: `${chain}_${at}`, family }))
  const rules = [
    setPriority(0),
    ...parts.flatMap((part) => rulesOf(part, policy)),
    ...(usual === 'deny' ? [[refuse]] : []),
  ]
  return {
    name: id,
    sets: parts.flatMap(({ set }) => set?.name ?? []),
    objects: [
      addChain({ table, name: chain }),
      ...parts.flatMap((part) => setRequests(table, part)),
      ...rules.map((rule) => appendRule({ table, name: chain }, rule)),
    ],
  }
}

function setRequests(table: string, { set }: Part): NetfilterRequest[] {
  if (set === undefined) return []
  const { elements, ...description } = set
  return [
    addRangeSet({ table, ...description }, elements.length),
    ...addElements({ table, name: set.name }, elements),
  ]
}

function rulesOf({ matches, verdict, isLogged }: Part, { logPrefix }: CompiledPolicy): Expression[][] {
  const log = [limitRate(logLimit), logPacket({ group: logGroup, prefix: logPrefix, bytes: logBytes })]
  const outcome = verdict === 'allow' ? decide('accept') : refuse
  return matches.flatMap((match) => [...(isLogged ? [[...match, ...log]] : []), [...match, outcome]])
}
