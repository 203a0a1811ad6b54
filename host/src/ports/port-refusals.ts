// Why a port is not given out, for the client that asked for it.
import { ConetError, type PortMapping } from '@conet/sdk'
import type { PortOwner } from './held-ports.ts'
import type { PortWish } from './port-wishes.ts'

/** A port on which a process of the machine listens, or that it has bound. Address undefined: all addresses. */
export type ListeningPort = {
  readonly protocol: PortMapping['protocol']
  readonly port: number
  readonly address: string | undefined
}

/** What keeps a port from a wish. */
export type Obstacle =
  | { readonly sameDocument: true }
  | { readonly owner: PortOwner }
  | { readonly listener: ListeningPort }

/** How many ports of the pool each obstacle keeps from a wish; each counts once. */
export type PoolUse = {
  /** By endpoints. */
  used: number
  /** By the document that asks. */
  own: number
  listening: number
  free: number
}

type Refused = { readonly port: number; readonly wish: PortWish; readonly obstacle: Obstacle }

/** `describe` names a holder for people. */
export function portInUse(
  { port, wish: { protocol }, obstacle }: Refused,
  path: string,
  describe: (holder: string) => string,
): ConetError {
  const why = reasonOf(obstacle, describe)
  const look = 'listener' in obstacle ? `; which process has it: ss -lntup sport = :${port}` : ''
  return new ConetError('portInUse', `give out port ${protocol} ${port}: ${why}`, {
    fields: [{ path, message: `${protocol} ${port}: ${why}` }],
    details: { protocol, port, ...('owner' in obstacle && { endpointId: obstacle.owner.holder }) },
    help: `ask for another host_port, or for none, which gets any free one${look}`,
  })
}

function reasonOf(obstacle: Obstacle, describe: (holder: string) => string): string {
  if ('sameDocument' in obstacle) return 'another entry of the policy has it'
  if ('owner' in obstacle) return `${describe(obstacle.owner.holder)} has it`
  return `a process of the machine has it (${obstacle.listener.address ?? 'all addresses'})`
}

/** `wishes`: all of the document. */
export function portsExhausted(
  { protocol, count }: PortWish,
  { wishes, path }: { readonly wishes: readonly PortWish[]; readonly path: string },
  { start, size, ...use }: PoolUse & { readonly start: number; readonly size: number },
): ConetError {
  const last = start + size - 1
  const asked = wishes
    .filter((one) => one.hostPort === 0 && one.protocol === protocol)
    .reduce((sum, one) => sum + one.count, 0)
  const wanted = count === 1 ? 'one more port' : `${count} ports in a row`
  const shares = [
    `${use.used} taken by endpoints`,
    `${use.listening} by processes of the machine`,
    `${use.own} by this document`,
    `${use.free} free${use.free < count ? '' : `, but no ${count} in a row`}`,
  ].join(', ')
  const why = `it asks for ${asked} in all; of the ${size}: ${shares}`
  return new ConetError('portsExhausted', `give out ${wanted} of ${protocol} ${start}-${last}: ${why}`, {
    fields: [
      { path, message: `${count === 1 ? 'no port is' : `no ${wanted} are`} free in ${start}-${last}` },
    ],
    details: { first: start, last, size, ...use, protocol, count, asked },
    help: 'conet pool list shows the pool; take down who has ports of it, or raise ports.size in the configuration of conetd',
  })
}
