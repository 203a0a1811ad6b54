// To which ports of a container given ports of the machine lead: as entries of a policy ask for it, or as they were mapped.
import { isIPv4 } from 'node:net'

/** So many ports in a row. */
export type FixedPorts = {
  readonly protocol: string
  readonly hostPort: number
  readonly containerPort: number
  readonly count?: number
  /** Absent: all addresses of the machine. */
  readonly hostAddress?: string
}

type Place = Pick<FixedPorts, 'protocol' | 'hostPort' | 'hostAddress'>

export class LeadingPorts {
  readonly #byPort = new Map<number, FixedPorts[]>()
  readonly #rows: FixedPorts[] = []

  constructor(ports: Iterable<FixedPorts>) {
    for (const one of ports) this.add(one)
  }

  add(ports: FixedPorts): void {
    const { hostPort, count = 1 } = ports
    const same = this.#byPort.get(hostPort)
    if (count > 1) this.#rows.push(ports)
    else if (same === undefined) this.#byPort.set(hostPort, [ports])
    else same.push(ports)
  }

  /** What leads on from there. */
  from({ protocol, hostPort, hostAddress }: Place): FixedPorts | undefined {
    const leads = ({ protocol: own, hostPort: first, count = 1, hostAddress: at }: FixedPorts) =>
      own === protocol && hostPort >= first && hostPort < first + count && serves(at, hostAddress)
    return this.#byPort.get(hostPort)?.find(leads) ?? this.#rows.find(leads)
  }

  /** Whether each of them leads there already. */
  has({ count = 1, ...first }: FixedPorts): boolean {
    for (let index = 0; index < count; index += 1) {
      const place = { ...first, hostPort: first.hostPort + index }
      const found = this.from(place)
      if (found === undefined || targetOf(found, place.hostPort) !== first.containerPort + index) return false
    }
    return true
  }
}

/** The port of the container to which one of the row leads. */
export function targetOf({ hostPort: first, containerPort }: FixedPorts, hostPort: number): number {
  return containerPort + hostPort - first
}

/** All addresses of IPv4 are as good as all: Garden, which names none, knows no others. */
function serves(address: string | undefined, asked: string | undefined): boolean {
  if (address === undefined || address === asked) return true
  return address === '0.0.0.0' && (asked === undefined || isIPv4(asked))
}

type Entry = Readonly<Record<string, unknown>>

/** Undefined for an entry that asks for any port, and for what its driver will refuse. */
export function fixedPortsOf(entry: Entry): FixedPorts | undefined {
  const { protocol = 'tcp', host_port: hostPort, container_port: to, count = 1, host_address: at } = entry
  const containerPort = to || hostPort
  if (typeof protocol !== 'string' || typeof count !== 'number') return undefined
  if (typeof hostPort !== 'number' || typeof containerPort !== 'number' || hostPort === 0) return undefined
  if (at !== undefined && typeof at !== 'string') return undefined
  return { protocol, hostPort, containerPort, count, ...(at !== undefined && { hostAddress: at }) }
}
