// A container's worth: a network, an endpoint, and a sandbox that it is plugged into, the host's part done.
import type { Link } from '../../linux/index.ts'
import type {
  CreateEndpointParams,
  Network,
  PluggedInterface,
  PlugResult,
  Sandbox,
} from '../../protocol/index.ts'
import { NotApplicable, Violation } from '../checks/verdicts.ts'
import type { CheckContext } from '../context/check-context.ts'
import type { KitHost } from '../wire/kit-host.ts'
import { giveBack, takeIn } from './host-part.ts'
import { pictureOf } from './picture.ts'

export type Plugged = {
  readonly network: Network
  readonly endpoint: CreateEndpointParams
  readonly sandbox: Sandbox
  readonly result: PlugResult
}

/** Makes one. The check is not applicable to a driver that makes no interfaces. */
export async function plugged(
  kit: CheckContext,
  host: KitHost,
  changes: Partial<CreateEndpointParams['interface']> = {},
): Promise<Plugged> {
  const network = await kit.createNetwork(host)
  const plain = kit.objects.endpoint(network)
  const endpoint = await kit.createEndpoint(host, network, {
    ...plain,
    interface: { ...plain.interface, ...changes },
  })
  const sandbox = kit.sandbox()
  return { network, endpoint, sandbox, result: await plugIn(kit, host, endpoint, sandbox) }
}

/** Plugs, and does what the driver leaves to the host. */
export async function plugIn(
  kit: CheckContext,
  host: KitHost,
  endpoint: CreateEndpointParams,
  sandbox: Sandbox,
): Promise<PlugResult> {
  const result = await kit.plug(host, endpoint, sandbox)
  if (result.interfaces.length === 0) throw new NotApplicable('the driver makes no interfaces')
  takeIn(sandbox, result)
  return result
}

/** Unplugs as a host does. */
export async function unplug(host: KitHost, { endpoint, sandbox, result }: Plugged): Promise<void> {
  giveBack(sandbox, result)
  await host.call('endpoint/unplug', { ...refOf(endpoint), sandbox })
}

export function refOf({ network, endpointId }: CreateEndpointParams): {
  networkId: string
  endpointId: string
} {
  return { networkId: network.id, endpointId }
}

/** Those that must be whole when the plug is answered. */
export function driverInterfaces({ interfaces }: PlugResult): PluggedInterface[] {
  return interfaces.filter(({ configuredBy }) => configuredBy === 'driver')
}

export function linkIn({ path }: Sandbox, { name }: PluggedInterface): Link {
  const { links } = pictureOf(path)
  const link = links.find((candidate) => candidate.name === name)
  if (link !== undefined) return link
  throw new Violation(`the sandbox has no ${name}`, { expected: name, found: links.map((one) => one.name) })
}
