// What a former plug of an endpoint has left in its sandbox: somebody has renamed or moved the port, or the interface.
import { ConetError } from '../errors/index.ts'
import { deleteLink, KernelError, type Link, Namespace, Rtnl } from '../linux/index.ts'
import type { EndpointPlan } from './endpoint-plan.ts'
import { endpointAlias } from './names.ts'
import type { PluggedPort } from './plugged-ports.ts'

export type FormerPlug = {
  /** Of the host. */
  readonly rtnl: Rtnl
  /** Of the sandbox. */
  readonly inner: Rtnl
  readonly plan: Pick<EndpointPlan, 'port' | 'sandboxPath'>
  /** What this process knows of an earlier plug. */
  readonly plugged: PluggedPort | undefined
}

/**
 * Takes away what stands in the way of a plug that was refused: a pair of the endpoint's own of which one end is somewhere
 * else. Answers in words what that was; nothing where the refusal has another reason.
 */
export async function removeFormer(former: FormerPlug, refusal: unknown): Promise<string[]> {
  if (ConetError.is(refusal, 'conflict')) return await removeInterfaces(former)
  if (ConetError.is(refusal, 'inUse')) return await removePort(former)
  return []
}

/** The interface stands, but its other end is not the port. */
async function removeInterfaces({ rtnl, inner, plan: { port } }: FormerPlug): Promise<string[]> {
  const found = rtnl.link(port.name)
  const isPlugged = (link: Link) => found?.parent === link.index && link.parent === found.index
  const former = inner.links({ kind: 'veth' }).filter((link) => link.alias === port.alias && !isPlugged(link))
  await removeAll(inner, former)
  return former.map(({ name }) => `its interface ${name} had no port any more`)
}

/** The port stands, but its other end is not where this process has put it. One that others have plugged stays. */
async function removePort({ rtnl, plan, plugged }: FormerPlug): Promise<string[]> {
  const port = rtnl.link(plan.port.name)
  if (port === undefined || plugged?.index !== port.index || plugged.sandboxPath !== plan.sandboxPath)
    return []
  await removeAll(rtnl, [port])
  return ['its interface was moved out of the sandbox']
}

/** Of an unplug that does not find the port. The sandbox may be gone, and the interface with it. */
export async function takeOut({ endpoint, sandboxPath }: PluggedPort): Promise<void> {
  using sandbox = openIfThere(sandboxPath)
  if (sandbox === undefined) return
  const inner = Rtnl.openIn(sandbox)
  try {
    const alias = endpointAlias(endpoint)
    await removeAll(
      inner,
      inner.links({ kind: 'veth' }).filter((link) => link.alias === alias),
    )
  } finally {
    inner.close()
  }
}

async function removeAll(rtnl: Rtnl, links: readonly Link[]): Promise<void> {
  for (const { index } of links) await rtnl.runSlow(deleteLink(index), { tolerate: ['ENODEV'] })
}

/** EINVAL: the file is left that the namespace was kept at. */
const gone = ['ENOENT', 'ENOTDIR', 'EINVAL']

function openIfThere(path: string): Namespace | undefined {
  try {
    return Namespace.open(path)
  } catch (error) {
    if (KernelError.is(error, ...gone)) return undefined
    throw error
  }
}
