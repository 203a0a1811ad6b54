// What a driver should know, as the simplest thing that could be true: three maps.
import type { CreateEndpointParams, Network, PlugResult, Sandbox } from '../../protocol/index.ts'
import type { CheckContext } from '../context/check-context.ts'
import type { KitHost } from '../wire/kit-host.ts'
import type { Step } from './steps.ts'

export type ModelEndpoint = {
  readonly params: CreateEndpointParams
  /** Where it is plugged, and what the driver answered. */
  plug?: { readonly sandbox: Sandbox; readonly result: PlugResult }
}

export type Model = {
  readonly networks: Map<string, Network>
  readonly endpoints: Map<string, ModelEndpoint>
}

/** The driver, and what there is to work with. */
export type Real = {
  readonly kit: CheckContext
  /** Another one after a reconnect. */
  host: KitHost
  /** Empty where nothing is plugged. */
  readonly sandboxes: readonly Sandbox[]
  /** Every id of this sequence: a driver that others use too may have more. */
  readonly ids: Set<string>
  /** The steps of this sequence that were begun, in order. */
  readonly done: Done[]
}

/** A step of a sequence; `position` says of which object. */
export type Done = { readonly step: Step; readonly position: number }

/** The one at that position, counted round and round: so any number means something, also in a shrunk sequence. */
export function pick<T>(values: Iterable<T>, position: number): T | undefined {
  const list = [...values]
  return list[position % Math.max(1, list.length)]
}

export function isInUse({ endpoints }: Model, { id }: Network): boolean {
  return [...endpoints.values()].some(({ params }) => params.network.id === id)
}
