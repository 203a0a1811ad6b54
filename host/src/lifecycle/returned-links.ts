// Interfaces that were left to the host, on their way out of a sandbox: what came back otherwise than it went, or is not
// found, is told in the log.
import type { EndpointRecord } from '../domain/endpoint.ts'
import { type TakenBack, takeBack } from '../sandbox/index.ts'
import type { HostContext } from './host-context.ts'

type HostInterface = Parameters<typeof takeBack>[1]

type Leaving = {
  endpoint: EndpointRecord
  /** Of the sandbox. */
  path: string
  /** Names of what is there besides. */
  others: ReadonlySet<string>
  /** It was told already, or most likely so. */
  isRetry?: boolean
}

export async function takeOut(
  host: HostContext,
  { endpoint, path, others, isRetry = false }: Leaving,
  plugged: HostInterface,
): Promise<void> {
  const taken = await takeBack(path, plugged, others)
  const message = messageOf(plugged, taken)
  if (message === undefined || (isRetry && taken.outcome === 'unrecognised')) return
  const { id: endpointId, handle } = endpoint
  const { name: interfaceName, sourceName, macAddress } = plugged
  const facts = { endpointId, handle, interface: interfaceName, sourceName, macAddress }
  host.log.warn({ ...facts, ...detailsOf(taken) }, message)
}

function detailsOf(taken: TakenBack): object {
  if (taken.outcome === 'renamed') return { wentBackAs: taken.name }
  return taken.outcome === 'unrecognised' ? { links: taken.links } : {}
}

function messageOf({ name, sourceName, macAddress }: HostInterface, taken: TakenBack): string | undefined {
  if (taken.outcome === 'back') return undefined
  if (taken.outcome === 'renamed')
    return `interface ${name} went back as ${taken.name}: another link is called ${sourceName}`
  const links = taken.links.join(', ')
  return `interface ${name} was not taken out of the container: no link there is for certain the one called ${name} or with the MAC ${macAddress}; if it is one of these, it stays with its addresses: ${links}`
}
