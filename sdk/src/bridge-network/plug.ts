// The hot path: connects an endpoint and a sandbox. One message makes the veth with its peer in the sandbox, one batch
// sets each side. Nothing is looked up before; a repeated plug shows by the kernel's EEXIST.
import { ConetError } from '../errors/index.ts'
import { declareFailpoints, failpoint } from '../failpoint.ts'
import {
  createVeth,
  deleteLink,
  KernelError,
  type Link,
  type Namespace,
  openSandbox,
  Rtnl,
} from '../linux/index.ts'
import { Rollback } from '../rollback.ts'
import type { EndpointPlan } from './endpoint-plan.ts'
import { announceEndpoint, type PlugTask, portRequests } from './port.ts'
import { checkPlugged } from './replug.ts'
import { assertAddressesFree, configureInterface } from './sandbox-interface.ts'

declareFailpoints('bridge:plug:link-made', 'bridge:plug:port-set', 'bridge:plug:interface-set')

/**
 * Answers the port, and whether it was there. Throws a ConetError, or the KernelError of the step that was refused; then
 * nothing is left.
 */
export async function plug(task: PlugTask): Promise<Port> {
  const { rtnl, plan } = task
  using sandbox = openSandbox(plan.sandboxPath)
  using inner = Rtnl.openIn(sandbox)
  await using undo = new Rollback()
  const port = makeOrFind(task, sandbox)
  const { isFound, link } = port
  if (isFound) {
    checkPlugged({ ...task, sandbox, inner, port: link })
    return port
  }
  undo.defer(`delete link ${link.name}`, () => rtnl.runSlow(deleteLink(link.index), { tolerate: ['ENODEV'] }))
  failpoint('bridge:plug:link-made')
  const peer = link.parent ?? inner.existingLink(plan.interfaceName).index
  assertAddressesFree(inner, peer, plan)
  rtnl.batch(portRequests(link.index, plan))
  failpoint('bridge:plug:port-set')
  configureInterface(inner, peer, plan)
  failpoint('bridge:plug:interface-set')
  if (task.isAnnounced) announceEndpoint(task, { port: link.index, sandbox })
  undo.commit()
  return port
}

export type Port = { readonly isFound: boolean; readonly link: Link }

function makeOrFind({ rtnl, plan, bridge }: PlugTask, sandbox: Namespace): Port {
  const { port, mtu, interfaceName, macAddress } = plan
  const request = createVeth({
    name: port.name,
    mtu,
    master: bridge,
    peer: { name: interfaceName, macAddress, mtu, namespace: sandbox },
  })
  try {
    return { isFound: false, link: rtnl.create(request) }
  } catch (error) {
    if (!KernelError.is(error, 'EEXIST')) throw error
    const link = rtnl.link(port.name)
    if (link === undefined) throw interfaceExists(plan, error)
    return { isFound: true, link }
  }
}

function interfaceExists(plan: EndpointPlan, cause: KernelError): ConetError {
  const { endpointId, interfaceName, sandboxPath } = plan
  const message = `plug endpoint ${endpointId}: the sandbox ${sandboxPath} has an interface "${interfaceName}" already`
  return new ConetError('conflict', message, { cause, details: { interfaceName } })
}
