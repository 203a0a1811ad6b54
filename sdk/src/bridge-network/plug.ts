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
import { removeFormer } from './former-interface.ts'
import type { MendedRoutes } from './mend-routes.ts'
import type { PluggedPort } from './plugged-ports.ts'
import { announceAfterAnswer, type PlugTask, portRequests } from './port.ts'
import { checkPlugged } from './replug.ts'
import { assertAddressesFree, assertDefaultRouteWins, configureInterface } from './sandbox-interface.ts'

declareFailpoints('bridge:plug:link-made', 'bridge:plug:port-set', 'bridge:plug:interface-set')

/**
 * Answers the port, and whether it was there. Throws a ConetError, or the KernelError of the step that was refused; then
 * nothing is left.
 */
export async function plug(task: PlugTask & Pick<Place, 'plugged'>): Promise<Port> {
  const { plan, afterAnswer } = task
  const sandbox = openSandbox(plan.sandboxPath)
  try {
    const inner = Rtnl.openIn(sandbox)
    try {
      return await plugOver(task, { sandbox, inner, plugged: task.plugged })
    } finally {
      afterAnswer.add(`close the connection to ${sandbox.path}`, () => inner.close())
    }
  } finally {
    // After the announcement, which needs it.
    afterAnswer.add(`close ${sandbox.path}`, () => sandbox.close())
  }
}

type Place = {
  readonly sandbox: Namespace
  readonly inner: Rtnl
  /** What this process knows of an earlier plug. */
  readonly plugged: PluggedPort | undefined
}

/** Once more where only the remains of an earlier plug of the endpoint were in the way. */
async function plugOver(task: PlugTask, place: Place): Promise<Port> {
  const first = await plugInto(task, place).catch((failure: unknown) => ({ failure }))
  const hasFailed = 'failure' in first
  const inTheWay = hasFailed ? first.failure : first.refusal
  if (inTheWay !== undefined && (await clearsWay(task, place, inTheWay))) return await plugInto(task, place)
  if (hasFailed) throw first.failure
  return first
}

async function clearsWay(task: PlugTask, place: Place, inTheWay: unknown): Promise<boolean> {
  const removed = await removeFormer({ ...task, ...place }, inTheWay)
  for (const what of removed) task.repaired(`port ${task.plan.port.name}: ${what}`)
  return removed.length > 0
}

async function plugInto(task: PlugTask, { sandbox, inner }: Place): Promise<Port> {
  const { rtnl, plan } = task
  await using undo = new Rollback()
  const port = makeOrFind(task, sandbox)
  const { isFound, link } = port
  if (isFound) {
    return { ...port, ...checkPlugged({ ...task, sandbox, inner, port: link }) }
  }
  undo.defer(`delete link ${link.name}`, () => rtnl.runSlow(deleteLink(link.index), { tolerate: ['ENODEV'] }))
  failpoint('bridge:plug:link-made')
  const peer = link.parent ?? inner.existingLink(plan.interfaceName).index
  assertAddressesFree(inner, plan)
  assertDefaultRouteWins(inner, task)
  rtnl.batch(portRequests(link.index, plan))
  failpoint('bridge:plug:port-set')
  const lack = configureInterface({ sandbox, inner }, peer, task)
  failpoint('bridge:plug:interface-set')
  if (task.isAnnounced) announceAfterAnswer(task, { port: link.index, sandbox })
  undo.commit()
  return { ...port, lack }
}

/** `refusal`: of one that was found; it stands, and so does all else of it. `lack`: also of one that was made again. */
export type Port = Omit<MendedRoutes, 'done'> & {
  readonly isFound: boolean
  readonly link: Link
}

function makeOrFind({ rtnl, plan, bridge }: PlugTask, sandbox: Namespace): Port {
  const { port, mtu, interfaceName, macAddress } = plan
  const request = createVeth({
    name: port.name,
    macAddress: port.macAddress,
    mtu,
    master: bridge,
    peer: { name: interfaceName, macAddress, mtu, namespace: sandbox },
  })
  try {
    return { isFound: false, link: rtnl.create(request) }
  } catch (error) {
    if (KernelError.is(error, 'EXFULL')) throw bridgeFull(plan, error)
    if (!KernelError.is(error, 'EEXIST')) throw error
    const link = rtnl.link(port.name)
    if (link === undefined) throw interfaceExists(plan, error)
    return { isFound: true, link }
  }
}

/** BR_MAX_PORTS, less the number 0. */
const mostPorts = 1023

function bridgeFull({ endpointId }: EndpointPlan, cause: KernelError): ConetError {
  const { errno, code, operation } = cause
  const message = `plug endpoint ${endpointId}: the network has as many endpoints on this machine as its bridge can have (${operation}: ${code})`
  const help = `A Linux bridge has at most ${mostPorts} ports. Make a second network, and attach further containers to that one.`
  return new ConetError('kernelRefused', message, { cause, details: { errno, code, operation }, help })
}

function interfaceExists(plan: EndpointPlan, cause: KernelError): ConetError {
  const { endpointId, interfaceName, sandboxPath } = plan
  const message = `plug endpoint ${endpointId}: the sandbox ${sandboxPath} has an interface "${interfaceName}" already`
  const help = 'Remove or rename it in the container, or plug under another name (--interface).'
  return new ConetError('conflict', message, { cause, details: { interfaceName }, help })
}
