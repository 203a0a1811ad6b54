// What is in the shared store. Newer versions may add members: they are kept out of the types, not refused.
import { Dns } from '@conet/sdk'
import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { NetworkRecord, SubnetRecord } from '../domain/network.ts'

const Document = Type.Record(Type.String(), Type.Unknown())

export const SharedNetwork = Type.Object({
  id: Type.String(),
  name: Type.String(),
  /** The driver's name. */
  type: Type.String(),
  labels: Type.Record(Type.String(), Type.String()),
  internal: Type.Boolean(),
  subnets: Type.Array(SubnetRecord),
  /** Both as in `NetworkRecord`: what the driver said when the network was made. */
  ipam: NetworkRecord.properties.ipam,
  sandbox: NetworkRecord.properties.sandbox,
  /** Addresses of a block, as a power of two: the same on every node. */
  blockBits: Type.Integer({ minimum: 0, maximum: 16 }),
  /** The number in each packet, for drivers that ask for one. */
  segmentId: Type.Optional(Type.Integer({ minimum: 0 })),
  dns: Type.Optional(Dns),
  config: Document,
  defaultPolicy: Type.Optional(Document),
  /** How often it was changed: nobody goes back to an earlier one, not even with a store that is an old copy. */
  policyRevision: Type.Optional(Type.Integer({ minimum: 0 })),
  createdAt: Type.String(),
  createdBy: Type.String(),
  requestKey: Type.Optional(Type.String()),
  /** Canonical text of what the client asked for: the same again is the same network. */
  request: Type.String(),
})
export type SharedNetwork = Static<typeof SharedNetwork>

export const SharedNode = Type.Object({
  name: Type.String(),
  /** Of the state directory: a machine that has a name of another's is found out by it. */
  identity: Type.String(),
  underlayAddress: Type.String(),
  version: Type.String(),
  since: Type.String(),
  /** By its own clock, the first time and after each removal: so what was said of it before is told from what is said since. */
  registeredAt: Type.Optional(Type.String()),
  /** Somebody has removed it without having fenced it. */
  quarantinedAt: Type.Optional(Type.String()),
})
export type SharedNode = Static<typeof SharedNode>

/** Left for a machine that was removed: what it was registered as. */
export const RemovalMark = Type.Object({
  removedAt: Type.String(),
  name: Type.String(),
  registeredAt: Type.Optional(Type.String()),
})
export type RemovalMark = Static<typeof RemovalMark>

export const SharedBlock = Type.Object({ node: Type.String(), subnet: Type.String() })
export type SharedBlock = Static<typeof SharedBlock>

export const BlockWish = Type.Object({
  wantedBy: Type.String(),
  ofSubnet: Type.String(),
  /** One that was the node's, and in which it has endpoints still; absent: any. */
  block: Type.Optional(Type.String()),
  /** Of each wish another: one that stands where an earlier was left is a change too, which all others see. */
  id: Type.String(),
})
export type BlockWish = Static<typeof BlockWish>

/** What a node's containers hold that are no members, as they are not plugged in: defined, down, or on their way out. */
export const UnpluggedAddresses = Type.Object({
  unpluggedOf: Type.String(),
  /** By subnet. */
  addresses: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
})
export type UnpluggedAddresses = Static<typeof UnpluggedAddresses>

export const SharedMac = Type.Object({ node: Type.String() })
export type SharedMac = Static<typeof SharedMac>

export const SharedMember = Type.Object({
  macAddress: Type.String(),
  addresses: Type.Array(Type.String()),
  tunnelAddress: Type.String(),
  container: Type.String(),
})
export type SharedMember = Static<typeof SharedMember>

/** Reads a record; undefined where it is none. */
export function reader<S extends TSchema>(schema: S): (text: string) => Static<S> | undefined {
  // At first use: a host that is in no cluster starts without.
  const compiled = () => Compile(schema)
  let validator: ReturnType<typeof compiled> | undefined
  return (text) => {
    validator ??= compiled()
    try {
      const value: unknown = JSON.parse(text)
      return validator.Check(value) ? value : undefined
    } catch {
      return undefined
    }
  }
}
