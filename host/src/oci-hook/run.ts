// The two hooks: a container comes up before its process starts, and goes down when the runtime has deleted it.
import type { ContainerView } from '@conet/sdk/client'
import { ask, type Conetd, namespaceOf, Refusal, takeDown } from '../shim/calls.ts'
import { NoAnswer } from '../shim/exchange.ts'
import { assertLength, assertText, Misuse } from '../shim/handle.ts'
import { shownHandle } from '../shim/shown-handle.ts'
import { runtimeSocketOf } from '../shim/socket-place.ts'
import { withoutOpening } from '../shim/without-opening.ts'
import { type AttachmentWish, attachmentsOf, inWordsOfAnnotations } from './annotations.ts'
import type { Arguments } from './arguments.ts'
import { type Bundle, bundleAt } from './bundle.ts'
import { type ContainerState, parseState } from './state.ts'

/** Throws an Error whose message is for people and names the stage and, once it is known, the container. Throws Misuse. */
export async function run({ stage, socket, timeoutMs }: Arguments, input: Buffer): Promise<void> {
  let about: string = stage
  try {
    const state = parseState(input.toString('utf8'))
    about = `${stage} ${shownHandle(state.id)}`
    assertText(state.id, () => input)
    const conetd = { socket: runtimeSocketOf(socket), timeoutMs }
    if (stage === 'poststop') await takeDown(conetd, state.id)
    else await createRuntime(conetd, state)
  } catch (error) {
    const message = `${about}: ${error instanceof Error ? error.message : String(error)}`
    throw error instanceof Misuse ? new Misuse(message) : new Error(message, { cause: error })
  }
}

/** crun runs no poststop after this has failed, so what was half done is taken back here. */
async function createRuntime(conetd: Conetd, state: ContainerState): Promise<void> {
  const { id, pid, annotations } = state
  assertLength(id)
  if (pid === undefined) throw new Error('the state on the standard input has no pid')
  const attachTo = attachmentsOf(annotations)
  const namespace = namespaceOf(`/proc/${pid}/ns/net`)
  const bundle = state.bundle === undefined ? undefined : bundleAt(state.bundle)
  const body = {
    pid,
    ...(namespace === undefined ? {} : { namespace }),
    ...(attachTo === undefined ? {} : { attach_to: attachTo }),
    ...namesOf(bundle),
  }
  const path = `/internal/containers/${encodeURIComponent(id)}/up`
  try {
    // conetd checks its answers against the schema of this type.
    const container = (await ask({ ...conetd, path, body })) as ContainerView
    await bindFiles(container, { pid, root: bundle?.root })
  } catch (error) {
    // What conetd refused it has undone, and where nobody listens nothing was done.
    if (!(error instanceof Refusal) && !(error instanceof NoAnswer && error.isAway))
      await takeDown(conetd, id)
    throw error instanceof Refusal ? inHooksWords(error, { id, attachTo }) : error
  }
}

/** Behind the stage and the id. */
function inHooksWords(
  { message, fields }: Refusal,
  { id, attachTo }: { id: string; attachTo: readonly AttachmentWish[] | undefined },
): Refusal {
  const text = withoutOpening(message, { operations: ['up'], handle: id })
  return new Refusal(inWordsOfAnnotations(text, fields, attachTo), fields)
}

function namesOf({ hostname, extraHosts = [] }: Partial<Bundle> = {}) {
  return {
    ...(hostname === undefined ? {} : { hostname }),
    ...(extraHosts.length === 0 ? {} : { extra_hosts: extraHosts }),
  }
}

/** Loads the kernel toolkit only where there is something to bind. */
async function bindFiles(
  { resolver_files: files }: ContainerView,
  { pid, root }: { pid: number; root: string | undefined },
): Promise<void> {
  if (files === undefined || root === undefined) return
  const { bindResolverFiles } = await import('./resolver-binds.ts')
  bindResolverFiles(files, { pid, root })
}
