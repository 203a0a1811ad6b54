// The MAC addresses of one network: who holds which.
import { ConetError } from '@conet/sdk'
import type { Attachment } from '../domain/container.ts'
import { macFromEndpointId, macFromIpv4 } from '../ipam/index.ts'

export type MacWish = {
  readonly endpointId: string
  readonly attachment: Attachment
  /** What other attachments of its container ask for in the network, and may get only later. */
  readonly promisedMacs?: readonly string[]
}

export class NetworkMacs {
  readonly #holders = new Map<string, string>()

  /** What an endpoint held before a restart. */
  restore(mac: string, endpointId: string): void {
    this.#holders.set(mac, endpointId)
  }

  /** The one that was asked for, or one that follows from the endpoint's addresses. Throws `addressInUse`. */
  reserve({ endpointId, attachment, promisedMacs = [] }: MacWish, addresses: readonly string[]): string {
    const { macAddress } = attachment
    const mac = macAddress ?? this.#derived(endpointId, addresses, promisedMacs)
    const holder = this.#holders.get(mac)
    if (holder !== undefined) {
      throw new ConetError('addressInUse', `reserve MAC ${mac}: endpoint ${holder} has it`, {
        details: { mac, holder },
        ...(macAddress === undefined
          ? {}
          : { fields: [{ path: 'mac_address', message: `endpoint ${holder} has it` }] }),
      })
    }
    this.#holders.set(mac, endpointId)
    return mac
  }

  isHeld(mac: string): boolean {
    return this.#holders.has(mac)
  }

  /** May be repeated. */
  release(mac: string, endpointId: string): void {
    if (this.#holders.get(mac) === endpointId) this.#holders.delete(mac)
  }

  /** From the IPv4 address, unless somebody asks for that very MAC. */
  #derived(endpointId: string, addresses: readonly string[], promised: readonly string[]): string {
    const ipv4 = addresses.find((address) => !address.includes(':'))
    if (ipv4 === undefined) return macFromEndpointId(endpointId)
    const mac = macFromIpv4(ipv4)
    return this.#holders.has(mac) || promised.includes(mac) ? macFromEndpointId(endpointId) : mac
  }
}
