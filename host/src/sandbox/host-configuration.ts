// Interfaces that a driver leaves to the host: moved from the driver's namespace into the sandbox, named and
// configured there. How they leave it stands in take-back.ts.
import { ConetError, type PluggedInterface, Rollback } from '@conet/sdk'
import { setLink } from '@conet/sdk/linux'
import { type HostInterface, isLeftToHost, Passage } from './host-interface.ts'
import { applySettings, applySysctls, dropFormer, mendAddresses } from './interface-settings.ts'
import { nameBack, renamedLink } from './renamed-link.ts'
import { moveOut, type Others } from './take-back.ts'

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
    const { index } = passage.inside.existingLink(wanted.name)
    moveHome(index, wanted, passage)
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

function moveIn(passage: Passage, { name, sourceName }: HostInterface): void {
  const { outside, inside, sandbox } = passage
  outside.run(setLink(sourceName, { up: false }))
  const { index } = outside.existingLink(sourceName)
  try {
    outside.run(setLink(index, { namespace: sandbox, name }))
  } catch (error) {
    // The kernel moves first and names then: where the name was taken this moment it is inside, under its own.
    if (outside.link(sourceName) === undefined)
      moveHome(inside.existingLink(sourceName).index, { sourceName }, passage)
    throw error
  }
}

/** Throws where it is home under another name than before. */
function moveHome(link: number, { sourceName }: Pick<HostInterface, 'sourceName'>, passage: Passage): void {
  const moved = moveOut(passage.inside, { link, sourceName }, passage)
  if (moved.outcome === 'renamed')
    throw new ConetError(
      'conflict',
      `interface ${sourceName} went back as ${moved.name}: another link has its name`,
    )
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
