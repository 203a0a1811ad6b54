// Interfaces that a driver leaves to the host: moved from the driver's namespace into the sandbox, named and
// configured there, and moved back before the driver is told to unplug.
import { ConetError, type PluggedInterface, Rollback } from '@conet/sdk'
import { deleteLink, type Link, Namespace, openSandbox, Rtnl, setLink } from '@conet/sdk/linux'
import { type HostInterface, isLeftToHost, openSourceNamespace, Passage } from './host-interface.ts'
import { applySettings, applySysctls, dropFormer, mendAddresses } from './interface-settings.ts'
import { nameBack, renamedLink } from './renamed-link.ts'
import { isSandboxGone } from './sandbox-gone.ts'

/** Names of what is in the sandbox besides: no link of those is taken for a renamed one. */
type Others = ReadonlySet<string>

/**
 * Throws unless every interface that is left to the host can be brought in: `protocolViolation` when it is not where
 * the driver says, `conflict` when the sandbox has one of that name. Changes nothing.
 */
export function assertCanBringIn(sandboxPath: string, interfaces: readonly PluggedInterface[]): void {
  interfaces.forEach((plugged, n) => {
    if (!isLeftToHost(plugged)) return
    using passage = new Passage(sandboxPath, plugged)
    const { outside, inside } = passage
    if (outside.link(plugged.sourceName) === undefined)
      throw sourceMissing(plugged, `interfaces[${n}].sourceName`)
    if (inside.link(plugged.name) !== undefined) throw nameTaken(plugged, sandboxPath)
  })
}

/**
 * Brings one interface into the sandbox and configures it. When a step fails it is back where it was, as it was.
 * `onMoved` is called between the two. The answer: the MTU that it has.
 */
export async function bringIn(
  sandboxPath: string,
  wanted: HostInterface,
  onMoved: () => void,
): Promise<number> {
  using passage = new Passage(sandboxPath, wanted)
  await using undo = new Rollback()
  moveIn(passage, wanted)
  undo.defer(`move interface ${wanted.sourceName} back`, () => {
    moveOut(passage.inside, wanted, passage.source)
  })
  onMoved()
  applySysctls(passage.sandbox, wanted, undo)
  const mtu = applySettings(passage.inside, wanted)
  undo.commit()
  return mtu
}

/**
 * Makes an interface of before as it should be, also one that has another name, or is out of the sandbox again. `former`:
 * what was said of it last. What cannot be mended stays as it is.
 */
export async function mend(
  sandboxPath: string,
  wanted: HostInterface,
  { former, others }: { former?: PluggedInterface | undefined; others?: Others } = {},
): Promise<void> {
  using passage = new Passage(sandboxPath, wanted)
  const { inside, outside, sandbox } = passage
  const renamed = renamedLink(inside, wanted, others)
  if (renamed !== undefined) nameBack(inside, renamed, wanted)
  if (inside.link(wanted.name) === undefined) {
    if (outside.link(wanted.sourceName) === undefined) throw lost(wanted)
    await bringIn(sandboxPath, wanted, () => undefined)
    return
  }
  await using undo = new Rollback()
  applySysctls(sandbox, wanted, undo)
  if (former !== undefined) dropFormer(inside, wanted, former)
  mendAddresses(inside, wanted)
  applySettings(inside, wanted)
  undo.commit()
}

/**
 * Before the driver is told to unplug: moves the interface back under its own name, down and without addresses. A
 * veth stays: deleting its other end, as its driver does, takes it out of the sandbox. Fine when it, or the sandbox,
 * is gone.
 */
export async function takeBack(sandboxPath: string, plugged: HostInterface, others?: Others): Promise<void> {
  using sandbox = openUnlessGone(sandboxPath)
  if (sandbox === undefined) return
  using inside = Rtnl.openIn(sandbox)
  const link = linkOf(inside, plugged, others)
  if (link === undefined || link.kind === 'veth') return
  using source = openSourceNamespace(plugged)
  if (source === undefined) return endWithSource(inside, link, plugged)
  using outside = Rtnl.openIn(source)
  // Then it was never moved, and what has its name in the sandbox is somebody else's.
  if (outside.link(plugged.sourceName) === undefined) moveOut(inside, { ...plugged, name: link.name }, source)
}

/** After the driver has confirmed: a veth whose other end it did not delete goes too. Fine when it is gone. */
export async function removeRest(
  sandboxPath: string,
  plugged: HostInterface,
  others?: Others,
): Promise<void> {
  using sandbox = openUnlessGone(sandboxPath)
  if (sandbox === undefined) return
  using inside = Rtnl.openIn(sandbox)
  const link = linkOf(inside, plugged, others)
  // Another MAC: the container has made one of this name meanwhile.
  if (link?.kind !== 'veth' || link.macAddress !== plugged.macAddress) return
  await inside.runSlow(deleteLink(link.index), { tolerate: ['ENODEV'] })
}

/** What is to leave the sandbox: one of its name may be the container's own. */
function linkOf(inside: Rtnl, plugged: HostInterface, others: Others | undefined): Link | undefined {
  return renamedLink(inside, plugged, others) ?? inside.link(plugged.name)
}

function moveIn({ outside, inside, sandbox, source }: Passage, wanted: HostInterface): void {
  const { name, sourceName } = wanted
  outside.run(setLink(sourceName, { up: false }))
  const { index } = outside.existingLink(sourceName)
  try {
    outside.run(setLink(index, { namespace: sandbox, name }))
  } catch (error) {
    // The kernel moves first and names then: where the name was taken this moment it is inside, under its own.
    if (outside.link(sourceName) === undefined) moveOut(inside, { name: sourceName, sourceName }, source)
    throw error
  }
}

function moveOut(
  inside: Rtnl,
  { name, sourceName }: Pick<HostInterface, 'name' | 'sourceName'>,
  home: Namespace,
): void {
  const { index } = inside.existingLink(name)
  inside.run(setLink(index, { up: false }))
  inside.run(setLink(index, { namespace: home, name: sourceName }))
}

/** What the kernel does with the devices of a namespace that ends: virtual ones go, hardware is the host's again. */
async function endWithSource(
  inside: Rtnl,
  { index, kind, name }: Link,
  plugged: HostInterface,
): Promise<void> {
  if (kind !== undefined) return inside.runSlow(deleteLink(index), { tolerate: ['ENODEV'] })
  using home = Namespace.current()
  moveOut(inside, { ...plugged, name }, home)
}

function openUnlessGone(sandboxPath: string): Namespace | undefined {
  try {
    return openSandbox(sandboxPath)
  } catch (error) {
    // With the namespace its devices went: physical ones are back in the first namespace by the kernel's doing.
    if (isSandboxGone(error)) return undefined
    throw error
  }
}

function sourceMissing(plugged: HostInterface, path: string): ConetError {
  const { name, sourceName } = plugged
  const message = `there is no ${sourceName} in ${sourceOf(plugged)}`
  return new ConetError('protocolViolation', `bring interface ${name} into the sandbox: ${message}`, {
    fields: [{ path, message }],
    help: 'the driver left it to the host, so it must be there when the plug is answered',
  })
}

function sourceOf({ sourceNamespace }: HostInterface): string {
  return sourceNamespace ?? "the host's own network namespace"
}

/** Of one that was in the sandbox. What to do stands in the message: of what goes wrong with an endpoint only that is kept. */
function lost(plugged: HostInterface): ConetError {
  const { name, sourceName } = plugged
  const where = `not found in the container, under this or another name, and there is no ${sourceName} in ${sourceOf(plugged)}`
  const cause = 'somebody has deleted it, or moved it to another network namespace'
  return new ConetError(
    'failedPrecondition',
    `mend interface ${name}: it is ${where}: ${cause}; unplug the endpoint and plug it again`,
    { details: { interfaceName: name, sourceName }, help: 'unplug the endpoint, and plug it again' },
  )
}

function nameTaken({ name }: HostInterface, sandboxPath: string): ConetError {
  const message = `the sandbox ${sandboxPath} has an interface "${name}" already`
  return new ConetError('conflict', `bring interface ${name} into the sandbox: ${message}`, {
    details: { interfaceName: name },
  })
}
