// The host's pools in its HTTP API: where subnets, addresses and ports come from, and how much of them is taken.
import { type Static, Type } from 'typebox'
import { Id } from '../../protocol/primitives.ts'

/** A block of addresses from which networks get the subnets that nobody chose. */
export const AddressPoolView = Type.Object({
  family: Type.Union([Type.Literal(4), Type.Literal(6)]),
  base: Type.String(),
  /** The prefix length of its subnets. */
  size: Type.Integer(),
  /** How many subnets there are in it, and how many of them networks have (capped at 2^53 - 1). */
  subnets: Type.Integer(),
  used: Type.Integer(),
})
export type AddressPoolView = Static<typeof AddressPoolView>

/** A subnet of a network, from which its endpoints get their addresses. */
export const SubnetPoolView = Type.Object({
  network_id: Id,
  network_name: Type.String(),
  subnet: Type.String(),
  /** How many addresses there are to hold, and how many are held (capped at 2^53 - 1). */
  addresses: Type.Integer(),
  used: Type.Integer(),
  /** `global`: of a network of the cluster, of which the addresses are counted that this host has handed out. */
  scope: Type.Optional(Type.Literal('global')),
})
export type SubnetPoolView = Static<typeof SubnetPoolView>

/** The ports of the machine from which containers get those that they did not choose. */
export const PortPoolView = Type.Object({
  start: Type.Integer(),
  size: Type.Integer(),
  used: Type.Integer(),
})
export type PortPoolView = Static<typeof PortPoolView>

/** Reply of `listPools`. */
export const PoolsView = Type.Object({
  address_pools: Type.Array(AddressPoolView),
  subnets: Type.Array(SubnetPoolView),
  port_pool: PortPoolView,
})
export type PoolsView = Static<typeof PoolsView>
